//! What the functions answer, from the OpenAPI descriptions of their routers.

use serde_json::Value;

/// One operation of one function.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// The function that answers.
    pub function: &'static str,
    /// The method.
    pub method: String,
    /// The path, with `{name}` for one segment.
    pub path: String,
}

macro_rules! routers {
    ($($function:ident),*) => {
        [$((stringify!($function), $function::routes().split_for_parts().1)),*]
    };
}

/// Every operation that the code knows.
pub fn operations() -> Vec<Operation> {
    let routers = routers!(collections, console, feed, invites, library, signin, signup, teams);
    let described = routers.into_iter().map(|(function, api)| (function, serde_json::to_value(api).unwrap_or_default()));
    described.flat_map(|(function, api)| of(function, &api)).collect()
}

fn of(function: &'static str, api: &Value) -> Vec<Operation> {
    let known = ["get", "put", "post", "patch", "delete", "head", "options"];
    let paths = api["paths"].as_object().into_iter().flatten();
    let each = |(path, item): (&String, &Value)| {
        let methods = known.into_iter().filter(|method| item.get(method).is_some());
        methods.map(|method| Operation { function, method: method.to_uppercase(), path: path.clone() }).collect::<Vec<_>>()
    };
    paths.flat_map(each).collect()
}
