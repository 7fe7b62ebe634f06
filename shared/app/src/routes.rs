//! One list of a function's handlers, for those who call them and for those who read about them.

/// Makes two functions out of a list of handlers: `routes()`, the router that answers, and `described()`, what the handlers
/// say about themselves, for which none of them need be linked. The methods of one path stand together; a layer around all
/// of them stands behind `=>`.
///
/// ```text
/// app::routes! {
///     whole::create;
///     import::show, import::drop_it;
///     => .layer(Extension(Issuers::default()))
/// }
/// ```
#[macro_export]
macro_rules! routes {
    ($($($($handler:ident)::+),+;)+ $(=> $($around:tt)+)?) => {
        /// The routes.
        pub fn routes() -> ::utoipa_axum::router::OpenApiRouter<$crate::App> {
            ::utoipa_axum::router::OpenApiRouter::new()
                $(.routes(::utoipa_axum::routes!($($($handler)::+),+)))+
                $($($around)+)?
        }

        /// What the routes say about themselves.
        pub fn described() -> ::utoipa::openapi::OpenApi {
            #[derive(::utoipa::OpenApi)]
            #[openapi(paths($($($($handler)::+),+),+))]
            struct Described;
            <Described as ::utoipa::OpenApi>::openapi()
        }
    };
}
