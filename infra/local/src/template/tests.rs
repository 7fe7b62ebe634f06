use super::*;

const SMALL: &str = r#"
Parameters:
  Stage: { Type: String, Default: live }
  From: { Type: String, Default: no-reply@example.com }
Globals:
  Function:
    Timeout: 7
    Environment: { Variables: { TABLE_NAME: !Ref Table } }
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions:
        - { AttributeName: pk, AttributeType: S }
        - { AttributeName: sk, AttributeType: S }
        - { AttributeName: gsi1pk, AttributeType: S }
      KeySchema: [{ AttributeName: sk, KeyType: RANGE }, { AttributeName: pk, KeyType: HASH }]
      GlobalSecondaryIndexes:
        - IndexName: gsi1
          KeySchema: [{ AttributeName: gsi1pk, KeyType: HASH }]
          Projection: { ProjectionType: INCLUDE, NonKeyAttributes: [at] }
      TimeToLiveSpecification: { AttributeName: ttl, Enabled: true }
      StreamSpecification: { StreamViewType: NEW_IMAGE }
  HttpApi: { Type: AWS::ApiGatewayV2::Api, Properties: { ProtocolType: HTTP } }
  WsApi: { Type: AWS::ApiGatewayV2::Api, Properties: { ProtocolType: WEBSOCKET } }
  WsStage: { Type: AWS::ApiGatewayV2::Stage, Properties: { ApiId: !Ref WsApi, StageName: !Ref Stage } }
  HttpStage: { Type: AWS::ApiGatewayV2::Stage, Properties: { ApiId: !Ref HttpApi, StageName: $default } }
  TeamsFunction:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: rust-cargolambda, BuildProperties: { Binary: teams } }
    Properties:
      Environment: { Variables: { PAGES_URL: !Sub 'https://${HttpApi}', MAIL_FROM: !Ref From } }
      Events: { Hourly: { Type: Schedule, Properties: { Schedule: rate(1 hour) } } }
  FanoutFunction:
    Type: AWS::Serverless::Function
    Metadata: { BuildProperties: { Binary: fanout } }
    Properties:
      Timeout: 60
      Events:
        Stream:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Table.StreamArn
            StartingPosition: TRIM_HORIZON
            BatchSize: 25
            FilterCriteria: { Filters: [{ Pattern: '{"eventName":["INSERT"]}' }] }
            FunctionResponseTypes: [ReportBatchItemFailures]
            BisectBatchOnFunctionError: true
            MaximumRetryAttempts: 5
            MaximumRecordAgeInSeconds: -1
            DestinationConfig: { OnFailure: { Destination: !GetAtt Dead.Arn } }
  TeamsIntegration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: { ApiId: !Ref HttpApi, IntegrationUri: !GetAtt TeamsFunction.Arn }
  WsIntegration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: { ApiId: !Ref WsApi, IntegrationUri: !Sub 'arn:${AWS::Partition}:x/${FanoutFunction.Arn}/invocations' }
  GetTeam:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref HttpApi, RouteKey: 'GET /api/teams/{team}', Target: !Sub 'integrations/${TeamsIntegration}' }
  Connect:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref WsApi, RouteKey: $connect, Target: !Join ['/', [integrations, !Ref WsIntegration]] }
"#;

#[test]
fn a_template_is_read_with_its_names_resolved() {
    let read = Template::parse(SMALL).unwrap();
    assert_eq!(
        read.table,
        Table {
            keys: vec!["pk".into(), "sk".into()],
            attributes: [("pk", "S"), ("sk", "S"), ("gsi1pk", "S")].map(|(a, b)| (a.into(), b.into())).to_vec(),
            indexes: vec![Index {
                name: "gsi1".into(),
                keys: vec!["gsi1pk".into()],
                projection: "INCLUDE".into(),
                include: vec!["at".into()],
            }],
            ttl: Some("ttl".into()),
            stream: Some("NEW_IMAGE".into()),
        }
    );
    assert_eq!(read.routes, [Route { method: "GET".into(), path: "/api/teams/{team}".into(), function: "teams".into() }]);
    assert_eq!(read.sockets["$connect"], "fanout");
    assert_eq!(read.stage, "live");
    assert_eq!(read.schedules, [Schedule { function: "teams".into(), every: Duration::from_secs(3_600) }]);
    let teams = &read.functions["teams"];
    assert_eq!(teams.timeout, Duration::from_secs(7));
    assert_eq!(teams.variables["TABLE_NAME"], None);
    assert_eq!(teams.variables["PAGES_URL"], None);
    assert_eq!(teams.variables["MAIL_FROM"].as_deref(), Some("no-reply@example.com"));
    assert!(!read.functions["fanout"].variables.contains_key("PAGES_URL"));
    let [mapping] = read.streams.as_slice() else { panic!("{:?}", read.streams) };
    assert_eq!(mapping.function, "fanout");
    assert_eq!(mapping.rules, batch::Rules { size: 25, retries: Some(5), max_age: None, bisect: true, partial: true });
    assert!(mapping.from_start && mapping.dead_letters);
}

#[test]
fn what_the_local_stack_cannot_do_is_an_error_and_not_left_out() {
    let with = |from: &str, to: &str| Template::parse(&SMALL.replace(from, to)).unwrap_err();
    assert!(with("rate(1 hour)", "cron(0 1 * * ? *)").contains("cron"));
    assert!(with("integrations/${TeamsIntegration}", "integrations/x").contains("GetTeam"));
    assert!(with("{ BuildProperties: { Binary: fanout } }", "{}").contains("FanoutFunction"));
    assert!(with(r#"["INSERT"]"#, r#"[{"cidr":"10.0.0.0/8"}]"#).contains("cidr"));
    assert!(with("Type: DynamoDB", "Type: SQS").contains("SQS"));
    assert!(with("RouteKey: $connect", "RouteKey: subscribe").contains("subscribe"));
}

#[test]
fn the_template_of_this_project_is_read() {
    let read = Template::parse(SOURCE).unwrap();
    assert_eq!(read.table.stream.as_deref(), Some("NEW_IMAGE"));
    assert_eq!(read.sockets.keys().map(String::as_str).collect::<Vec<_>>(), ["$connect", "$default", "$disconnect"]);
    assert!(!read.stage.is_empty());
    assert!(read.streams.iter().any(|mapping| mapping.function == "fanout"));
    assert!(read.routes.iter().any(|route| route.path == "/api/me" && route.method == "ANY"));
}
