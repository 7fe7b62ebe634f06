//! `infra/template.yaml`, the one source of truth, as the local stack needs it: what is missing there is missing here.

pub mod yaml;

use crate::stream::{batch, filter};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// The deployment description, compiled in, so that the binary runs from anywhere.
pub const SOURCE: &str = include_str!("../../template.yaml");

/// What a template says, names resolved: a function's name is its binary's, which is its folder's under `functions/`.
#[derive(Debug)]
pub struct Template {
    /// The one table.
    pub table: Table,
    /// The functions by name.
    pub functions: BTreeMap<String, Function>,
    /// Routes of the HTTP API.
    pub routes: Vec<Route>,
    /// Route keys of the WebSocket API (`$connect`, `$disconnect`, `$default`) to function names.
    pub sockets: BTreeMap<String, String>,
    /// Stage of the WebSocket API, the last part of its address in the cloud.
    pub stage: String,
    /// Stream mappings.
    pub streams: Vec<Mapping>,
    /// Schedules.
    pub schedules: Vec<Schedule>,
    /// What is called by events of other services.
    pub rules: Vec<Rule>,
}

/// An `AWS::DynamoDB::Table`.
#[derive(Debug, PartialEq)]
pub struct Table {
    /// Partition key, and sort key if there is one.
    pub keys: Vec<String>,
    /// Attribute name and type (`S`, `N`, `B`) of every key.
    pub attributes: Vec<(String, String)>,
    /// Global secondary indexes.
    pub indexes: Vec<Index>,
    /// The TTL attribute when TTL is on.
    pub ttl: Option<String>,
    /// `NEW_IMAGE` and its kind when the table has a stream.
    pub stream: Option<String>,
}

/// A global secondary index.
#[derive(Debug, PartialEq)]
pub struct Index {
    /// The index's name.
    pub name: String,
    /// Partition key, and sort key if there is one.
    pub keys: Vec<String>,
    /// `ALL`, `KEYS_ONLY` or `INCLUDE`.
    pub projection: String,
    /// The attributes that `INCLUDE` copies.
    pub include: Vec<String>,
}

/// An `AWS::Serverless::Function`.
#[derive(Debug)]
pub struct Function {
    /// Environment variables: the value where it is known before deployment, `None` where the cloud computes it.
    pub variables: BTreeMap<String, Option<String>>,
    /// How long one invocation may take.
    pub timeout: Duration,
}

/// A route of the HTTP API, `GET /api/teams/{team}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The method, or `ANY`.
    pub method: String,
    /// The path, with `{name}` for one segment and `{name+}` for the rest.
    pub path: String,
    /// The function that answers.
    pub function: String,
}

/// An event source mapping from the table's stream.
#[derive(Debug)]
pub struct Mapping {
    /// The function that it calls.
    pub function: String,
    /// Which records it hands over; none means all.
    pub filter: filter::Filter,
    /// How batches are made, retried and given up.
    pub rules: batch::Rules,
    /// Whether it begins with what is there (`TRIM_HORIZON`) or with what comes (`LATEST`).
    pub from_start: bool,
    /// Whether a batch that is given up goes to a queue.
    pub dead_letters: bool,
}

/// A function called at a fixed rate.
#[derive(Debug, PartialEq)]
pub struct Schedule {
    /// The function that it calls.
    pub function: String,
    /// The time between two calls.
    pub every: Duration,
}

/// A function that events of other services start.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The function.
    pub function: String,
    /// Which events: `source` and `detail-type`, each a list.
    pub pattern: Value,
}

impl Rule {
    /// Whether an event starts it.
    pub fn takes(&self, event: &Value) -> bool {
        ["source", "detail-type"].iter().all(|name| list(&self.pattern[name]).contains(&event[name]))
    }
}

impl Template {
    /// Reads a template. The message of an error names what in the template is at fault.
    pub fn parse(source: &str) -> Result<Template, String> {
        let document = yaml::parse(source)?;
        let reader = Reader {
            parameters: &document["Parameters"],
            globals: &document["Globals"]["Function"],
            resources: document["Resources"].as_object().ok_or("the template has no resources")?,
        };
        reader.template()
    }
}

struct Reader<'a> {
    parameters: &'a Value,
    globals: &'a Value,
    resources: &'a serde_json::Map<String, Value>,
}

impl<'a> Reader<'a> {
    fn template(&self) -> Result<Template, String> {
        let tables: Vec<_> = self.of_type("AWS::DynamoDB::Table").collect();
        let [(_, table)] = tables.as_slice() else {
            return Err(format!("one table is expected, the template has {}", tables.len()));
        };
        let mut read = Template {
            table: self.table(table)?,
            functions: BTreeMap::new(),
            routes: Vec::new(),
            sockets: BTreeMap::new(),
            stage: String::new(),
            streams: Vec::new(),
            schedules: Vec::new(),
            rules: Vec::new(),
        };
        for (id, function) in self.of_type("AWS::Serverless::Function") {
            let name = self.function_name(id)?;
            for (event, source) in function["Events"].as_object().into_iter().flatten() {
                let properties = &source["Properties"];
                let at = |error| format!("{id}, event {event}: {error}");
                match source["Type"].as_str() {
                    Some("DynamoDB") => read.streams.push(self.mapping(&name, properties).map_err(at)?),
                    Some("Schedule" | "ScheduleV2") => {
                        let rate = &properties[if source["Type"] == "Schedule" { "Schedule" } else { "ScheduleExpression" }];
                        read.schedules.push(self.schedule(&name, rate).map_err(at)?);
                    }
                    // What SES tells: the local stack plays it, see `/_local/bounce`.
                    Some("EventBridgeRule") => read.rules.push(Rule { function: name.clone(), pattern: properties["Pattern"].clone() }),
                    other => return Err(at(format!("{other:?} is not known to the local stack"))),
                }
            }
            read.functions.insert(name, self.function(function)?);
        }
        for (id, mapping) in self.of_type("AWS::Lambda::EventSourceMapping") {
            let function = self.function_of(&mapping["FunctionName"]).ok_or(format!("{id} names no function"))?;
            read.streams.push(self.mapping(&function, mapping).map_err(|error| format!("{id}: {error}"))?);
        }
        for (id, route) in self.of_type("AWS::ApiGatewayV2::Route") {
            self.route(route, &mut read).map_err(|error| format!("{id}: {error}"))?;
        }
        for (_, stage) in self.of_type("AWS::ApiGatewayV2::Stage") {
            if self.protocol(stage)? == "WEBSOCKET" {
                read.stage = self.text(&stage["StageName"])?;
            }
        }
        Ok(read)
    }

    fn of_type(&self, kind: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.resources
            .iter()
            .filter(move |(_, resource)| resource["Type"] == kind)
            .map(|(id, resource)| (id.as_str(), &resource["Properties"]))
    }

    fn text(&self, value: &Value) -> Result<String, String> {
        yaml::literal(value, self.parameters).ok_or_else(|| format!("{value} is not known before deployment"))
    }

    /// The binary that a function resource runs.
    fn function_name(&self, id: &str) -> Result<String, String> {
        let binary = &self.resources[id]["Metadata"]["BuildProperties"]["Binary"];
        Ok(binary.as_str().ok_or_else(|| format!("{id} does not say which binary it runs"))?.to_owned())
    }

    /// The function that an ARN, a `Ref` or an integration's URI leads to.
    fn function_of(&self, value: &Value) -> Option<String> {
        yaml::references(value)
            .into_iter()
            .find_map(|id| (self.resources.get(id)?["Type"] == "AWS::Serverless::Function").then(|| self.function_name(id).ok())?)
    }

    fn function(&self, function: &Value) -> Result<Function, String> {
        let mut variables = BTreeMap::new();
        for source in [self.globals, function] {
            for (name, value) in source["Environment"]["Variables"].as_object().into_iter().flatten() {
                variables.insert(name.clone(), yaml::literal(value, self.parameters));
            }
        }
        let own = &function["Timeout"];
        let timeout = if own.is_null() { &self.globals["Timeout"] } else { own };
        // Lambda's own default is three seconds.
        Ok(Function { variables, timeout: Duration::from_secs(timeout.as_u64().unwrap_or(3)) })
    }

    fn table(&self, table: &Value) -> Result<Table, String> {
        let ttl = &table["TimeToLiveSpecification"];
        let on = ttl["Enabled"] == true || ttl["Enabled"] == "true";
        let stream = &table["StreamSpecification"]["StreamViewType"];
        Ok(Table {
            keys: self.keys(&table["KeySchema"])?,
            attributes: list(&table["AttributeDefinitions"])
                .iter()
                .map(|one| Ok((self.text(&one["AttributeName"])?, self.text(&one["AttributeType"])?)))
                .collect::<Result<_, String>>()?,
            indexes: list(&table["GlobalSecondaryIndexes"])
                .iter()
                .map(|index| {
                    Ok(Index {
                        name: self.text(&index["IndexName"])?,
                        keys: self.keys(&index["KeySchema"])?,
                        projection: self.text(&index["Projection"]["ProjectionType"])?,
                        include: list(&index["Projection"]["NonKeyAttributes"])
                            .iter()
                            .map(|name| self.text(name))
                            .collect::<Result<_, _>>()?,
                    })
                })
                .collect::<Result<_, String>>()?,
            ttl: if on { Some(self.text(&ttl["AttributeName"])?) } else { None },
            stream: if stream.is_null() { None } else { Some(self.text(stream)?) },
        })
    }

    /// The partition key, then the sort key, however they are ordered.
    fn keys(&self, schema: &Value) -> Result<Vec<String>, String> {
        let mut keys: Vec<_> = list(schema).iter().collect();
        keys.sort_by_key(|key| key["KeyType"] != "HASH");
        keys.into_iter().map(|key| self.text(&key["AttributeName"])).collect()
    }

    fn protocol(&self, of: &Value) -> Result<&'a str, String> {
        yaml::references(&of["ApiId"])
            .first()
            .and_then(|id| self.resources.get(*id)?["Properties"]["ProtocolType"].as_str())
            .ok_or_else(|| "names no API".to_owned())
    }

    fn route(&self, route: &Value, read: &mut Template) -> Result<(), String> {
        let key = self.text(&route["RouteKey"])?;
        let integration = yaml::references(&route["Target"])
            .into_iter()
            .find_map(|id| self.resources.get(id).filter(|it| it["Type"] == "AWS::ApiGatewayV2::Integration"))
            .ok_or("its target is no integration")?;
        let function = self.function_of(&integration["Properties"]["IntegrationUri"]).ok_or("its integration leads to no function")?;
        if self.protocol(route)? == "WEBSOCKET" {
            if !matches!(key.as_str(), "$connect" | "$default" | "$disconnect") {
                return Err(format!("the local stack hands every message to $default, none to {key}"));
            }
            read.sockets.insert(key, function);
        } else {
            let (method, path) = key.split_once(' ').ok_or_else(|| format!("{key} is no route key"))?;
            read.routes.push(Route { method: method.to_owned(), path: path.to_owned(), function });
        }
        Ok(())
    }

    fn mapping(&self, function: &str, properties: &Value) -> Result<Mapping, String> {
        let number = |name: &str| -> Result<Option<u64>, String> {
            match &properties[name] {
                Value::Null => Ok(None),
                value => {
                    let text = self.text(value)?;
                    // -1 is Lambda's word for "no limit".
                    if text == "-1" { Ok(None) } else { text.parse().map(Some).map_err(|_| format!("{name}: {text}")) }
                }
            }
        };
        let patterns = list(&properties["FilterCriteria"]["Filters"])
            .iter()
            .map(|filter| filter["Pattern"].as_str().ok_or("a filter's pattern is a JSON text"))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Mapping {
            function: function.to_owned(),
            filter: filter::Filter::parse(&patterns)?,
            rules: batch::Rules {
                // Lambda's own default is a hundred.
                size: number("BatchSize")?.unwrap_or(100).try_into().map_err(|_| "BatchSize")?,
                retries: number("MaximumRetryAttempts")?.map(|it| it.try_into().unwrap_or(u32::MAX)),
                max_age: number("MaximumRecordAgeInSeconds")?.map(Duration::from_secs),
                bisect: properties["BisectBatchOnFunctionError"] == true,
                partial: list(&properties["FunctionResponseTypes"]).iter().any(|it| it == "ReportBatchItemFailures"),
            },
            from_start: properties["StartingPosition"] != "LATEST",
            dead_letters: !properties["DestinationConfig"]["OnFailure"]["Destination"].is_null(),
        })
    }

    fn schedule(&self, function: &str, rate: &Value) -> Result<Schedule, String> {
        let text = self.text(rate)?;
        let every = text
            .strip_prefix("rate(")
            .and_then(|rest| rest.strip_suffix(')')?.split_once(' '))
            .and_then(|(count, unit)| {
                let unit = match unit.trim_end_matches('s') {
                    "minute" => 60,
                    "hour" => 3_600,
                    "day" => 86_400,
                    _ => return None,
                };
                Some(Duration::from_secs(count.parse::<u64>().ok()? * unit))
            })
            .ok_or_else(|| format!("the local stack knows rate(N minutes|hours|days), not {text}"))?;
        Ok(Schedule { function: function.to_owned(), every })
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests;
