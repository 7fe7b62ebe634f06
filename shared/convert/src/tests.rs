use super::*;

fn taken(requests: usize, folders: usize, examples: usize, variables: usize) -> Taken {
    Taken { requests, folders, examples, variables }
}

/// The one collection of a file.
fn one(text: &str, format: &str) -> (Node, Report) {
    let converted = read(text).unwrap_or_else(|rejected| panic!("{rejected}: {text}"));
    assert_eq!(converted.format, format);
    assert_eq!(converted.documents.len(), 1);
    let mut count = 0_u64;
    let parsed = domain::format::split(&converted.documents[0], || {
        count += 1;
        format!("n{count}").parse().unwrap()
    });
    assert!(!parsed.unwrap().elements.is_empty());
    (Node::from_json(&converted.documents[0]).unwrap(), converted.report)
}

fn at<'a>(node: &'a Node, path: &str) -> &'a Node {
    path.split('/').fold(node, |node, part| {
        let found = part.parse::<usize>().ok().and_then(|index| node.entries().get(index)).or_else(|| node.get(part));
        found.unwrap_or_else(|| panic!("no {part} of {path} in {}", node.to_pretty_json()))
    })
}

#[track_caller]
fn same(node: &Node, path: &str, json: &str) {
    assert_eq!(at(node, path).to_json(), json, "{path} in {}", node.to_pretty_json());
}

const PETS: &str = r##"
openapi: 3.1.0
info: {title: Pets, description: All of them, version: '1'}
servers: [{url: 'https://{stage}.example.com/v1/', variables: {stage: {default: api}}}]
tags: [{name: pets, description: Animals}]
security: [{key: []}]
paths:
  /pets/{id}:
    parameters: [{$ref: '#/components/parameters/Id'}]
    put:
      tags: [pets, more]
      summary: Change a pet
      parameters:
        - {name: dry, in: query, required: true, description: Only look, schema: {type: boolean}}
        - {name: X-Trace, in: header, schema: {type: string}, example: abc}
      requestBody: {content: {application/xml: {}, application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}
      responses:
        '200': {description: Changed, content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}, links: {x: {}}}
        4XX: {description: Not changed}
      callbacks: {done: {}}
  /upload:
    post:
      security: []
      requestBody: {content: {multipart/form-data: {schema: {type: object, properties: {file: {type: string, format: binary}, note: {type: string, default: hi}}}}}}
      responses: {default: {description: ''}}
components:
  parameters: {Id: {name: id, in: path, required: true, schema: {type: integer, example: 7}}}
  securitySchemes: {key: {type: apiKey, name: X-Key, in: header}}
  schemas:
    Pet:
      allOf: [{type: object, properties: {id: {type: integer}}}]
      properties: {name: {type: string, example: Rex}, friend: {$ref: '#/components/schemas/Pet'}, tags: {type: [array, 'null'], items: {enum: [a, b]}}}
"##;

#[test]
fn openapi_becomes_requests() {
    let (pets, report) = one(PETS, "OpenAPI 3.1");
    assert_eq!(report.taken, taken(2, 1, 3, 2));
    same(&pets, "variable", r#"[{"key":"baseUrl","value":"https://{{stage}}.example.com/v1"},{"key":"stage","value":"api"}]"#);
    same(&pets, "auth/apikey/0", r#"{"key":"key","value":"X-Key","type":"string"}"#);
    same(&pets, "item/0/description", r#""Animals""#);
    let put = at(&pets, "item/0/item/0");
    same(put, "name", r#""Change a pet""#);
    same(put, "request/url/raw", r#""{{baseUrl}}/pets/:id?dry=true""#);
    same(put, "request/url/query", r#"[{"key":"dry","value":"true","description":"(Required) Only look"}]"#);
    same(put, "request/url/variable", r#"[{"key":"id","value":"7"}]"#);
    same(put, "request/header/0", r#"{"key":"X-Trace","value":"abc"}"#);
    let body = Node::from_json(at(put, "request/body/raw").as_text().unwrap()).unwrap();
    assert_eq!(body.to_json(), r#"{"id":0,"name":"Rex","friend":null,"tags":["a"]}"#);
    same(put, "response/0/code", "200");
    same(put, "response/1/code", "400");
    let upload = at(&pets, "item/1/request");
    same(upload, "auth/type", r#""noauth""#);
    same(upload, "body/formdata/0", r#"{"key":"file","type":"file","src":[]}"#);
    same(upload, "body/formdata/1/value", r#""hi""#);
    for left in ["callbacks of operations", "links of responses"] {
        assert!(report.left.iter().any(|note| note == left), "{report:?}");
    }
    assert!(!report.changed.is_empty());
}

#[test]
fn swagger_becomes_requests() {
    let swagger = r##"{"swagger":"2.0","info":{"title":"Old"},"host":"example.com","basePath":"/v1","schemes":["http"],"consumes":["application/json"],
      "securityDefinitions":{"o":{"type":"oauth2","flow":"application","tokenUrl":"http://t","scopes":{"r":"read"}}},
      "paths":{"/a":{"post":{"security":[{"o":["r"]}],"parameters":[{"in":"body","name":"b","schema":{"$ref":"#/definitions/A"}}],
        "responses":{"201":{"description":"Made","schema":{"$ref":"#/definitions/A"}}}},
        "put":{"parameters":[{"in":"formData","name":"f","type":"file"}],"responses":{}}}},
      "definitions":{"A":{"type":"object","properties":{"n":{"type":"number","example":1.50},"self":{"$ref":"#/definitions/A"}}}}}"##;
    let (old, report) = one(swagger, "Swagger 2.0");
    assert_eq!(report.taken, taken(2, 0, 1, 1));
    same(&old, "variable/0/value", r#""http://example.com/v1""#);
    same(&old, "item/0/request/auth/oauth2/0", r#"{"key":"grant_type","value":"client_credentials","type":"string"}"#);
    assert!(at(&old, "item/0/request/body/raw").as_text().unwrap().contains("1.50"));
    same(&old, "item/0/response/0/name", r#""Made""#);
    same(&old, "item/1/request/body/mode", r#""formdata""#);
}

#[test]
fn curl_becomes_requests() {
    let lines = "curl -X PUT 'https://example.com/a?b=c' \\\n  -H \"Accept: */*\" -H 'X-Quote: it'\\''s' -u ann:secret --data-raw $'{\"a\":\\'1\\'\\n}' -H 'content-type: application/json' -o out.txt\n\n# another\ncurl example.com -d a=1 -d 'b=2%20x' -k; curl -G https://q.example -d x=y\ncurl -F 'file=@a.png;type=image/png' -F n=v https://f.example -XPATCH";
    let (all, report) = one(lines, "cURL");
    assert_eq!(report.taken, taken(4, 0, 0, 0));
    same(&all, "item/0/request/method", r#""PUT""#);
    same(&all, "item/0/request/header/1", r#"{"key":"X-Quote","value":"it's"}"#);
    same(&all, "item/0/request/auth/type", r#""basic""#);
    same(&all, "item/0/request/body/raw", r#""{\"a\":'1'\n}""#);
    same(&all, "item/1/request/url/raw", r#""http://example.com""#);
    same(&all, "item/1/request/method", r#""POST""#);
    same(&all, "item/1/request/body/urlencoded/1", r#"{"key":"b","value":"2 x","type":"text"}"#);
    same(&all, "item/2/request/url/raw", r#""https://q.example?x=y""#);
    same(&all, "item/2/request/method", r#""GET""#);
    same(&all, "item/3/request/body/formdata/0", r#"{"key":"file","type":"file","src":"a.png"}"#);
    same(&all, "item/3/request/method", r#""PATCH""#);
    assert_eq!(report.left, ["the option -o", "the option -k"]);
    assert!(read("curl 'http://x").is_err() && read("curl -H").is_err() && read("curl").is_err());
}

#[test]
fn archives_become_requests() {
    let har = r#"{"log":{"creator":{"name":"Browser"},"pages":[{"id":"p","title":"Home"}],"entries":[
      {"pageref":"p","request":{"method":"POST","url":"https://example.com/a","queryString":[{"name":"q","value":"1"}],"headers":[{"name":":path","value":"/a"},{"name":"A","value":"1"}],
        "postData":{"mimeType":"application/x-www-form-urlencoded","text":"a=1&b=%C3%A4"}},"response":{"status":201,"statusText":"Created","headers":[],"content":{"text":"{}"}},"timings":{}},
      {"request":{"method":"GET","url":"https://example.com/b?c=d","headers":[],"queryString":[{"name":"c","value":"d"}]},"response":{"status":0}}]}}"#;
    let (all, report) = one(har, "HAR");
    assert_eq!(report.taken, taken(2, 1, 1, 0));
    same(
        &all,
        "item/0/item/0/request/header",
        r#"[{"key":"A","value":"1"},{"key":"Content-Type","value":"application/x-www-form-urlencoded"}]"#,
    );
    same(&all, "item/0/item/0/request/url/raw", r#""https://example.com/a?q=1""#);
    same(&all, "item/0/item/0/request/body/urlencoded/1/value", r#""ä""#);
    same(&all, "item/0/item/0/response/0/body", r#""{}""#);
    same(&all, "item/1/request/url/raw", r#""https://example.com/b?c=d""#);
}

#[test]
fn other_clients_become_requests() {
    let v4 = r#"{"_type":"export","__export_format":4,"resources":[{"_id":"w","_type":"workspace","name":"W","description":"D"},
      {"_id":"e","_type":"environment","parentId":"w","data":{"base":"http://x"}},{"_id":"g","_type":"request_group","parentId":"w","name":"G","metaSortKey":1},
      {"_id":"r","_type":"request","parentId":"g","name":"R","method":"POST","url":"{{ _.base }}/r","headers":[{"name":"A","value":"1","disabled":true}],
       "body":{"mimeType":"application/json","text":"{}"},"authentication":{"type":"bearer","token":"{{ _.t }}"},"parameters":[{"name":"p","value":"v"}]},{"_id":"s","_type":"api_spec","parentId":"w"}]}"#;
    let (all, report) = one(v4, "Insomnia");
    assert_eq!(report.taken, taken(1, 1, 0, 1));
    assert_eq!(report.left, ["resources of the kind api_spec"]);
    same(&all, "item/0/item/0/request/url/raw", r#""{{base}}/r?p=v""#);
    same(&all, "item/0/item/0/request/auth/bearer/0/value", r#""{{t}}""#);
    same(&all, "item/0/item/0/request/header/0/disabled", "true");

    let v5 = "type: collection.insomnia.rest/5.0\nname: Five\ncollection:\n  - name: F\n    children:\n      - {name: R, url: 'http://x/{{ _.a }}', method: GET, meta: {sortKey: 2}}\n      - {name: Q, url: 'http://y', method: PUT, meta: {sortKey: 1}, body: {mimeType: text/plain, text: hi}, scripts: {preRequest: 'x()'}}\nenvironments: {name: Base, data: {a: 1}}\n";
    let (all, report) = one(v5, "Insomnia");
    assert_eq!(report.taken, taken(2, 1, 0, 1));
    same(&all, "item/0/item/0/event/0/script/exec", r#"["x()"]"#);
    same(&all, "item/0/item/1/request/url/raw", r#""http://x/{{a}}""#);

    let bruno = r#"{"name":"B","version":"1","items":[{"type":"folder","name":"F","items":[{"type":"http","name":"R","seq":1,"request":{"url":"http://x/:id?a=b","method":"POST",
      "params":[{"name":"a","value":"b","type":"query","enabled":false},{"name":"id","value":"7","type":"path"}],"headers":[{"name":"H","value":"v","enabled":true}],
      "body":{"mode":"json","json":"{}"},"auth":{"mode":"basic","basic":{"username":"u","password":"p"}},"script":{"req":"a()"},"tests":"t()"}}]}],
      "environments":[{"name":"E","variables":[{"name":"base","value":"x"}]}]}"#;
    let (all, report) = one(bruno, "Bruno");
    assert_eq!(report.taken, taken(1, 1, 0, 1));
    same(&all, "item/0/item/0/request/url/query/0/disabled", "true");
    same(&all, "item/0/item/0/request/url/variable", r#"[{"key":"id","value":"7"}]"#);
    same(&all, "item/0/item/0/event/1/script/exec", r#"["t()"]"#);

    let hoppscotch = r#"[{"v":2,"name":"H","folders":[{"v":2,"name":"F","folders":[],"requests":[{"v":"5","name":"R","method":"POST","endpoint":"<<base>>/r","params":[{"key":"a","value":"b","active":false}],
      "headers":[],"auth":{"authType":"api-key","authActive":true,"key":"K","value":"V","addTo":"QUERY_PARAMS"},"body":{"contentType":"application/json","body":"{\"x\":\"<<y>>\"}"},"preRequestScript":"","testScript":"pw()"}]}],
      "requests":[],"auth":{"authType":"inherit","authActive":true}}]"#;
    let (all, report) = one(hoppscotch, "Hoppscotch");
    assert_eq!(report.taken, taken(1, 1, 0, 0));
    same(&all, "item/0/item/0/request/url/raw", r#""{{base}}/r""#);
    same(&all, "item/0/item/0/request/auth/apikey/2/value", r#""query""#);
    same(&all, "item/0/item/0/request/body/raw", r#""{\"x\":\"{{y}}\"}""#);
}

#[test]
fn raml_becomes_requests() {
    let raml = "#%RAML 1.0\ntitle: Birds\nversion: v3\nbaseUri: https://x.example/{version}\nmediaType: application/json\nsecuritySchemes: {b: {type: Basic Authentication}}\nsecuredBy: b\ntypes:\n  Bird: {properties: {name: {example: Tit}, 'age?': integer, parents: 'Bird[]'}}\ntraits: {paged: {queryParameters: {page: {type: integer, default: 1}}}}\n/birds:\n  displayName: All birds\n  get: {is: [paged], responses: {200: {description: Found, body: {type: 'Bird[]'}}}}\n  /{id}:\n    uriParameters: {id: {type: integer, example: 7}}\n    put: {displayName: Change, body: {type: Bird}, headers: {X-A: {example: a}}}\n";
    let (all, report) = one(raml, "RAML 1.0");
    assert_eq!(report.taken, taken(2, 1, 1, 1));
    same(&all, "variable/0/value", r#""https://x.example/v3""#);
    same(&all, "auth/type", r#""basic""#);
    same(&all, "item/0/name", r#""All birds""#);
    same(&all, "item/0/item/0/request/url/raw", r#""{{baseUrl}}/birds?page=1""#);
    same(&all, "item/0/item/0/response/0/code", "200");
    same(&all, "item/0/item/1/request/url/variable", r#"[{"key":"id","value":"7"}]"#);
    assert!(at(&all, "item/0/item/1/request/body/raw").as_text().unwrap().contains("\"name\": \"Tit\""));
}

#[test]
fn a_collection_stays_the_text_that_it_is() {
    for text in [
        r#" {"info":{"name":"\ud800"},"item":[],"n":1e999}"#,
        r#"{"collection":{"info":{},"item":[]}}"#,
        r#"{"id":"x","name":"n","order":[],"requests":[]}"#,
    ] {
        let converted = read(text).unwrap();
        assert_eq!((converted.format.as_str(), converted.documents[0].as_str()), ("Postman Collection", text.trim_start()));
    }
    for text in ["", "hello", "{}", "[]", "a: b", "<xml/>", "{\"values\":[],\"name\":\"env\"}"] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn a_collection_becomes_openapi_and_comes_back() {
    let converted = read(PETS).unwrap();
    let mut count = 0_u64;
    let parsed = domain::format::split(&converted.documents[0], || {
        count += 1;
        format!("n{count}").parse().unwrap()
    });
    let parsed = parsed.unwrap();
    let root =
        domain::collection::Element::new("r".parse().unwrap(), None, domain::collection::Kind::Collection, String::new(), parsed.root);
    let text = to_openapi(&root, &parsed.elements);
    let written = Node::from_json(&text).unwrap();
    same(&written, "openapi", r#""3.1.0""#);
    same(&written, "servers/0/variables/baseUrl/default", r#""https://{{stage}}.example.com/v1""#);
    same(&written, "tags", r#"[{"name":"pets","description":"Animals"}]"#);
    let paths = at(&written, "paths");
    let put = paths.get("/pets/{id}").and_then(|path| path.get("put")).unwrap();
    same(put, "parameters/0", r#"{"name":"id","in":"path","required":true,"schema":{"type":"string"},"example":"7"}"#);
    same(put, "responses/200/description", r#""Changed""#);
    assert_eq!(at(&written, "security/0").members().len(), 1);
    let (again, report) = one(&text, "OpenAPI 3.1");
    assert_eq!(report.taken.requests, 2);
    same(&again, "item/0/item/0/request/url/raw", r#""{{baseUrl}}/pets/:id?dry=true""#);
}
