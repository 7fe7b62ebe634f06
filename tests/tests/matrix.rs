//! Who may call what: one row for each route of the template, one column for each kind of caller (promise G3).

use std::collections::BTreeSet;

use docs::openapi::operations;
use serde_json::{Value, json};
use tests::{Ask, Client, Team, TestApp, User, link_token, samples};

/// The callers, in the order of the columns. All but the first three are or were in the team; the maker of everything
/// is another admin, who never calls. One more has no column: an editor from whom every collection is hidden, to whom a
/// collection answers as to a stranger and everything else as to an editor.
const CALLERS: [&str; 8] = ["nobody", "stranger", "removed", "viewer", "billing", "editor", "admin", "reader key"];

/// Route, then the status for each caller. `reader key` is a read-only API key of the admin.
#[rustfmt::skip]
const MATRIX: &[(&str, [u16; 8])] = &[
    //                                                    nobody strang remov  viewer billin editor admin  key
    // Open to everyone: what they send here (a wrong password, nothing at all) is refused for what it is.
    ("POST /api/signup",                                  [422,   422,   422,   422,   422,   422,   422,   422]),
    ("POST /api/signup/confirm",                          [404,   404,   404,   404,   404,   404,   404,   404]),
    ("POST /api/sessions",                                [401,   401,   401,   401,   401,   401,   401,   401]),
    ("POST /api/sessions/second-factor",                  [401,   401,   401,   401,   401,   401,   401,   401]),
    ("POST /api/device/code",                             [200,   200,   200,   200,   200,   200,   200,   200]),
    ("POST /api/device/token",                            [400,   400,   400,   400,   400,   400,   400,   400]),
    ("POST /api/oauth/token",                             [400,   400,   400,   400,   400,   400,   400,   400]),
    ("POST /api/sessions/refresh",                        [401,   401,   401,   401,   401,   401,   401,   401]),
    ("POST /api/signup/resend",                           [202,   202,   202,   202,   202,   202,   202,   202]),
    ("POST /api/username/recover",                        [202,   202,   202,   202,   202,   202,   202,   202]),
    ("POST /api/password/forgot",                         [202,   202,   202,   202,   202,   202,   202,   202]),
    ("POST /api/password/reset",                          [404,   404,   404,   404,   404,   404,   404,   404]),
    ("POST /api/me/email/confirm",                        [404,   404,   404,   404,   404,   404,   404,   404]),
    ("POST /api/me/email/undo",                           [404,   404,   404,   404,   404,   404,   404,   404]),
    // From the issuer, or to it: whoever it is, a browser is told on a page.
    ("POST /api/sso/find",                                [422,   422,   422,   422,   422,   422,   422,   422]),
    ("GET /api/sso/{provider}/start",                     [303,   303,   303,   303,   303,   303,   303,   303]),
    ("GET /api/sso/{provider}/callback",                  [303,   303,   303,   303,   303,   303,   303,   303]),
    ("POST /api/sso/link",                                [410,   410,   410,   410,   410,   410,   410,   410]),
    ("POST /api/sso/account",                             [410,   410,   410,   410,   410,   410,   410,   410]),
    ("GET /api/invites/{token}",                          [200,   200,   200,   200,   200,   200,   200,   200]),
    // One's own.
    ("GET /api/me",                                       [401,   200,   200,   200,   200,   200,   200,   200]),
    ("PATCH /api/me",                                     [401,   200,   200,   200,   200,   200,   200,   403]),
    ("POST /api/me/export",                               [401,   200,   200,   200,   200,   200,   200,   403]),
    ("DELETE /api/me",                                    [401,   422,   422,   422,   422,   422,   422,   403]),
    ("PUT /api/me/picture",                               [401,   415,   415,   415,   415,   415,   415,   403]),
    ("DELETE /api/me/picture",                            [401,   200,   200,   200,   200,   200,   200,   403]),
    ("GET /api/users",                                    [401,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /api/users/{user}",                             [404,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /api/users/{user}/picture",                     [404,   404,   404,   200,   200,   200,   200,   200]),
    ("PUT /api/me/password",                              [401,   422,   422,   422,   422,   422,   422,   403]),
    ("POST /api/me/email",                                [401,   422,   422,   422,   422,   422,   422,   403]),
    ("POST /api/device/answer",                           [401,   404,   404,   404,   404,   404,   404,   403]),
    ("POST /api/authorize",                               [401,   200,   200,   200,   200,   200,   200,   403]),
    ("GET /api/me/second-factor",                         [401,   200,   200,   200,   200,   200,   200,   200]),
    ("POST /api/me/second-factor",                        [401,   422,   422,   422,   422,   422,   422,   403]),
    ("POST /api/me/second-factor/confirm",                [401,   409,   409,   409,   409,   409,   409,   403]),
    ("POST /api/me/second-factor/recovery-codes",         [401,   422,   422,   422,   422,   422,   422,   403]),
    ("DELETE /api/me/second-factor",                      [401,   422,   422,   422,   422,   422,   422,   403]),
    ("GET /api/sessions",                                 [401,   200,   200,   200,   200,   200,   200,   200]),
    ("DELETE /api/sessions",                              [401,   200,   200,   200,   200,   200,   200,   403]),
    ("DELETE /api/sessions/here",                         [401,   200,   200,   200,   200,   200,   200,   403]),
    ("DELETE /api/sessions/{session}",                    [401,   404,   404,   404,   404,   404,   404,   403]),
    ("GET /api/me/api-keys",                              [401,   200,   200,   200,   200,   200,   200,   200]),
    ("POST /api/me/api-keys",                             [401,   200,   200,   200,   200,   200,   200,   403]),
    ("DELETE /api/me/api-keys/{key}",                     [401,   404,   404,   404,   404,   404,   404,   403]),
    ("GET /api/collection-access-keys",                   [401,   200,   200,   200,   200,   200,   200,   200]),
    ("POST /api/collection-access-keys",                  [401,   422,   422,   403,   403,   200,   200,   403]),
    ("DELETE /api/collection-access-keys/{key}",          [401,   404,   404,   403,   403,   403,   204,   403]),
    ("GET /api/me/identities",                            [401,   200,   200,   200,   200,   200,   200,   200]),
    ("DELETE /api/me/identities/{identity}",              [401,   404,   404,   404,   404,   404,   404,   403]),
    ("POST /api/realtime/tickets",                        [401,   200,   200,   200,   200,   200,   200,   200]),
    ("POST /api/invites/accept",                          [401,   200,   200,   200,   200,   200,   200,   403]),
    ("GET /api/teams",                                    [401,   200,   200,   200,   200,   200,   200,   200]),
    ("POST /api/teams",                                   [401,   200,   200,   200,   200,   200,   200,   403]),
    ("POST /api/payments/stripe",                         [404,   404,   404,   404,   404,   404,   404,   404]),
    ("GET /api/teams/discover",                           [401,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /api/plans",                                    [200,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /api/openapi.json",                             [200,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /api/asyncapi.json",                            [200,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /api/docs",                                     [200,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /api/accounts",                                 [401,   400,   400,   403,   200,   403,   403,   403]),
    ("POST /api/teams/buy",                               [401,   200,   200,   200,   200,   200,   200,   403]),
    ("GET /api/workspaces",                               [401,   200,   200,   200,   200,   200,   200,   200]),
    ("POST /api/workspaces",                              [401,   422,   422,   403,   403,   200,   200,   403]),
    ("GET /api/workspaces-roles",                         [401,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /api/collections",                              [401,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /api/subscriptions",                            [401,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /api/feed",                                     [401,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /api/feed.atom",                                [401,   200,   200,   200,   200,   200,   200,   200]),
    ("POST /api/feed/seen",                               [401,   200,   200,   200,   200,   200,   200,   403]),
    ("GET /api/notifications",                            [401,   200,   200,   200,   200,   200,   200,   200]),
    ("POST /api/notifications/read",                      [401,   200,   200,   200,   200,   200,   200,   403]),
    ("GET /api/me/notifications",                         [401,   200,   200,   200,   200,   200,   200,   200]),
    ("PUT /api/me/notifications",                         [401,   200,   200,   200,   200,   200,   200,   403]),
    ("POST /api/me/notifications/resume",                 [401,   200,   200,   200,   200,   200,   200,   403]),
    ("POST /api/unsubscribe",                             [404,   404,   404,   404,   404,   404,   404,   404]),
    // A team.
    ("GET /api/teams/{team}",                             [401,   404,   404,   200,   200,   200,   200,   200]),
    ("PATCH /api/teams/{team}",                           [401,   404,   404,   403,   403,   403,   200,   403]),
    ("PUT /api/teams/{team}/logo",                        [401,   404,   404,   403,   403,   403,   415,   403]),
    ("GET /api/teams/{team}/logo",                        [401,   404,   404,   404,   404,   404,   404,   404]),
    ("DELETE /api/teams/{team}/logo",                     [401,   404,   404,   403,   403,   403,   200,   403]),
    ("DELETE /api/teams/{team}",                          [401,   404,   404,   403,   403,   403,   200,   403]),
    ("POST /api/teams/{team}/restore",                    [401,   404,   404,   403,   403,   403,   200,   403]),
    ("POST /api/teams/{team}/transfer",                   [401,   404,   404,   403,   403,   403,   422,   403]),
    ("GET /api/groups",                                   [401,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /api/groups/{group}",                           [401,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /api/teams/{team}/groups",                      [401,   404,   404,   200,   200,   200,   200,   200]),
    ("POST /api/teams/{team}/groups",                     [401,   404,   404,   403,   403,   403,   200,   403]),
    ("PATCH /api/teams/{team}/groups/{group}",            [401,   404,   404,   403,   403,   403,   200,   403]),
    ("DELETE /api/teams/{team}/groups/{group}",           [401,   404,   404,   403,   403,   403,   200,   403]),
    ("GET /api/audit/logs",                               [401,   404,   404,   403,   403,   403,   200,   200]),
    ("GET /api/teams/{team}/audit",                       [401,   404,   404,   403,   403,   403,   200,   200]),
    ("GET /api/teams/{team}/members",                     [401,   404,   404,   200,   200,   200,   200,   200]),
    ("PATCH /api/teams/{team}/members/{user}",            [401,   404,   404,   403,   403,   403,   200,   403]),
    ("DELETE /api/teams/{team}/members/{user}",           [401,   404,   404,   403,   403,   403,   200,   403]),
    ("POST /api/teams/{team}/seats",                      [401,   404,   404,   403,   200,   403,   200,   403]),
    ("PUT /api/teams/{team}/second-factor",               [401,   404,   404,   403,   403,   403,   403,   403]),
    ("GET /api/teams/{team}/sso",                         [401,   404,   404,   403,   403,   403,   200,   403]),
    ("PUT /api/teams/{team}/sso",                         [401,   404,   404,   403,   403,   403,   422,   403]),
    ("DELETE /api/teams/{team}/sso",                      [401,   404,   404,   403,   403,   403,   404,   403]),
    ("GET /api/teams/{team}/domains",                     [401,   404,   404,   403,   403,   403,   200,   403]),
    ("POST /api/teams/{team}/domains",                    [401,   404,   404,   403,   403,   403,   200,   403]),
    ("POST /api/teams/{team}/domains/{domain}/verify",    [401,   404,   404,   403,   403,   403,   409,   403]),
    ("PATCH /api/teams/{team}/domains/{domain}",          [401,   404,   404,   403,   403,   403,   409,   403]),
    ("DELETE /api/teams/{team}/domains/{domain}",         [401,   404,   404,   403,   403,   403,   200,   403]),
    ("POST /api/teams/{team}/members/{user}/let-go",      [401,   404,   404,   403,   403,   403,   200,   403]),
    ("POST /api/teams/{team}/join",                       [401,   404,   404,   200,   200,   200,   200,   403]),
    ("GET /api/teams/{team}/billing",                     [401,   404,   404,   403,   200,   403,   403,   403]),
    ("PUT /api/teams/{team}/plan",                        [401,   404,   404,   403,   200,   403,   403,   403]),
    ("GET /api/teams/{team}/invoices",                    [401,   404,   404,   403,   200,   403,   403,   403]),
    ("GET /api/teams/{team}/invoices/{number}",           [401,   404,   404,   403,   200,   403,   403,   403]),
    ("POST /api/teams/{team}/invoices/{number}/paid",     [401,   404,   404,   403,   200,   403,   403,   403]),
    ("POST /api/teams/{team}/invoices/{number}/checkout", [401,   404,   404,   403,   409,   403,   403,   403]),
    ("POST /api/teams/{team}/admin",                      [401,   404,   404,   403,   409,   403,   403,   403]),
    ("GET /api/accounts/{account}/invoices",              [401,   404,   404,   403,   200,   403,   403,   403]),
    ("GET /api/teams/{team}/feed.atom",                   [401,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /api/teams/{team}/feed",                        [401,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /api/teams/{team}/invites",                     [401,   404,   404,   403,   403,   403,   200,   403]),
    ("POST /api/teams/{team}/invites",                    [401,   404,   404,   403,   403,   403,   200,   403]),
    ("POST /api/teams/{team}/invites/resend",             [401,   404,   404,   403,   403,   403,   200,   403]),
    ("POST /api/teams/{team}/invites/{invite}/resend",    [401,   404,   404,   403,   403,   403,   200,   403]),
    ("DELETE /api/teams/{team}/invites/{invite}",         [401,   404,   404,   403,   403,   403,   200,   403]),
    ("GET /api/teams/{team}/invite-requests",             [401,   404,   404,   200,   200,   200,   200,   403]),
    ("POST /api/teams/{team}/invite-requests",            [401,   404,   404,   200,   200,   200,   200,   403]),
    ("POST /api/teams/{team}/invite-requests/{request}/approve", [401, 404, 404, 403,  403,   403,   200,   403]),
    ("POST /api/teams/{team}/invite-requests/{request}/refuse",  [401, 404, 404, 403,  403,   403,   200,   403]),
    ("GET /api/teams/{team}/joining",                     [401,   404,   404,   403,   403,   403,   200,   403]),
    ("PATCH /api/teams/{team}/joining",                   [401,   404,   404,   403,   403,   403,   200,   403]),
    ("GET /api/workspaces/{workspace}",                   [401,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /api/workspaces/{workspace}/activities",        [401,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /api/workspaces/{workspace}/tags",              [401,   404,   404,   200,   200,   200,   200,   200]),
    ("PUT /api/workspaces/{workspace}/tags",              [401,   404,   404,   403,   403,   200,   200,   403]),
    // Of what the caller sees.
    ("POST /api/collection-folders-transfers",            [401,   422,   422,   422,   422,   422,   422,   403]),
    ("POST /api/collection-requests-transfers",           [401,   422,   422,   422,   422,   422,   422,   403]),
    ("POST /api/collection-responses-transfers",          [401,   422,   422,   422,   422,   422,   422,   403]),
    ("GET /api/search",                                   [401,   200,   200,   200,   200,   200,   200,   200]),
    ("POST /api/search",                                  [401,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /api/tags/{slug}/entities",                     [401,   200,   200,   200,   200,   200,   200,   200]),
    // The library: what its admins may, without what only other workspaces can.
    ("PUT /api/workspaces/{workspace}",                   [401,   404,   404,   403,   403,   403,   200,   403]),
    ("DELETE /api/workspaces/{workspace}",                [401,   404,   404,   403,   403,   403,   400,   403]),
    ("GET /api/workspaces/{workspace}/roles",             [401,   404,   404,   200,   200,   200,   200,   200]),
    ("PATCH /api/workspaces/{workspace}/roles",           [401,   404,   404,   403,   403,   403,   200,   403]),
    ("PUT /api/workspaces/{workspace}/roles",             [401,   404,   404,   403,   403,   403,   200,   403]),
    ("POST /api/workspaces/{workspace}/element-transfers", [401,  404,   404,   422,   422,   422,   422,   422]),
    // A collection in the team's library.
    ("POST /api/collections",                             [401,   404,   404,   403,   403,   200,   200,   403]),
    ("POST /api/import",                                  [401,   404,   404,   403,   403,   200,   200,   403]),
    ("POST /api/import/openapi",                          [401,   404,   404,   403,   403,   200,   200,   403]),
    // The key is no key.
    ("POST /api/import/postman/collections",              [401,   404,   404,   403,   403,   422,   422,   403]),
    ("POST /api/import/postman",                          [401,   404,   404,   403,   403,   422,   422,   403]),
    // A file that somebody sends in parts is theirs alone; this one is another's.
    ("POST /api/uploads",                                 [401,   404,   404,   403,   403,   201,   201,   403]),
    ("GET /api/uploads/{upload}",                         [401,   404,   404,   404,   404,   404,   404,   404]),
    ("DELETE /api/uploads/{upload}",                      [401,   404,   404,   404,   404,   404,   404,   404]),
    ("PUT /api/uploads/{upload}/parts/{part}",            [401,   404,   404,   404,   404,   404,   404,   404]),
    ("POST /api/uploads/{upload}/commit",                 [401,   404,   404,   404,   404,   404,   404,   404]),
    ("GET /api/collections/{collection}",                 [401,   404,   404,   200,   200,   200,   200,   200]),
    ("PUT /api/collections/{collection}",                 [401,   404,   404,   403,   403,   200,   200,   403]),
    ("PATCH /api/collections/{collection}",               [401,   404,   404,   403,   403,   200,   200,   403]),
    ("DELETE /api/collections/{collection}",              [401,   404,   404,   403,   403,   403,   200,   403]),
    ("GET /api/collections/{collection}/changes",         [401,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /api/collections/{collection}/items",           [401,   404,   404,   200,   200,   200,   200,   200]),
    ("POST /api/collections/{collection}/items",          [401,   404,   404,   403,   403,   200,   200,   403]),
    ("GET /api/collections/{collection}/items/{item}",    [401,   404,   404,   200,   200,   200,   200,   200]),
    ("PUT /api/collections/{collection}/items/{item}",    [401,   404,   404,   403,   403,   200,   200,   403]),
    ("PATCH /api/collections/{collection}/items/{item}",  [401,   404,   404,   403,   403,   200,   200,   403]),
    ("DELETE /api/collections/{collection}/items/{item}", [401,   404,   404,   403,   403,   200,   200,   403]),
    ("POST /api/collections/{collection}/items/{item}/move", [401, 404,  404,   403,   403,   200,   200,   403]),
    ("POST /api/collections/{collection}/items/{item}/duplicate", [401, 404, 404, 403, 403, 200,  200,   403]),
    // The copy goes to the place that the body names: the reader's key may not write there either.
    ("POST /api/collections/{collection}/items/{item}/copy", [401, 404,  404,   403,   403,   200,   200,   403]),
    // The item is a request; an example without one is refused for that.
    ("GET /api/collections/{collection}/folders/{item}", [401, 404, 404, 404, 404, 404, 404, 404]),
    ("PUT /api/collections/{collection}/folders/{item}", [401, 404, 404, 403, 403, 404, 404, 403]),
    ("DELETE /api/collections/{collection}/folders/{item}", [401, 404, 404, 403, 403, 404, 404, 403]),
    ("POST /api/collections/{collection}/folders", [401, 404, 404, 403, 403, 200, 200, 403]),
    ("GET /api/collections/{collection}/requests/{item}", [401, 404, 404, 200, 200, 200, 200, 200]),
    ("PUT /api/collections/{collection}/requests/{item}", [401, 404, 404, 403, 403, 200, 200, 403]),
    ("DELETE /api/collections/{collection}/requests/{item}", [401, 404, 404, 403, 403, 200, 200, 403]),
    ("POST /api/collections/{collection}/requests", [401, 404, 404, 403, 403, 200, 200, 403]),
    ("GET /api/collections/{collection}/responses/{item}", [401, 404, 404, 404, 404, 404, 404, 404]),
    ("PUT /api/collections/{collection}/responses/{item}", [401, 404, 404, 403, 403, 404, 404, 403]),
    ("DELETE /api/collections/{collection}/responses/{item}", [401, 404, 404, 403, 403, 404, 404, 403]),
    ("POST /api/collections/{collection}/responses", [401, 404, 404, 403, 403, 422, 422, 403]),
    ("GET /api/collections/{collection}/feed.atom",       [401,   404,   404,   200,   200,   200,   200,   200]),
    ("POST /api/collections/{collection}/batch",          [401,   404,   404,   403,   403,   200,   200,   403]),
    ("POST /api/collections/{collection}/sync",           [401,   404,   404,   403,   403,   200,   200,   403]),
    ("GET /api/collections/{collection}/state",           [401,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /api/collections/{collection}/at/{seq}",        [401,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /api/collections/{collection}/items/{item}/history", [401, 404, 404,  200,   200,   200,   200,   200]),
    ("GET /api/collections/{collection}/trash",           [401,   404,   404,   200,   200,   200,   200,   200]),
    ("POST /api/collections/fork/{collection}",           [401,   404,   404,   200,   200,   200,   200,   403]),
    ("PUT /api/collections/{collection}/pulls",           [401,   404,   404,   403,   403,   400,   400,   403]),
    ("POST /api/collections/{collection}/pull-requests",  [401,   404,   404,   400,   400,   400,   400,   403]),
    ("GET /api/collections/{collection}/pull-requests",   [401,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /api/pull-requests/{pull}",                     [401,   404,   404,   200,   200,   200,   200,   200]),
    ("PUT /api/pull-requests/{pull}",                     [401,   404,   404,   403,   403,   200,   200,   403]),
    ("POST /api/pull-requests/{pull}/tasks",              [401,   404,   404,   403,   403,   200,   200,   403]),
    ("POST /api/collections/merge",                       [401,   422,   422,   422,   422,   422,   422,   422]),
    ("PUT /api/collection-merges",                        [401,   422,   422,   422,   422,   422,   422,   422]),
    ("GET /api/collection-merges-tasks/{task}",           [401,   404,   404,   404,   404,   404,   404,   404]),
    ("GET /api/collections/{collection}/forks",           [401,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /api/collections/collection-forks",             [401,   200,   200,   200,   200,   200,   200,   200]),
    ("POST /api/collections/{collection}/restore",        [401,   404,   404,   403,   403,   200,   200,   403]),
    ("GET /api/workspaces/{workspace}/trash",             [401,   404,   404,   200,   200,   200,   200,   200]),
    ("POST /api/collections/{collection}/duplicates",     [401,   404,   404,   403,   403,   200,   200,   403]),
    // A task is whose it is; this one is nobody's.
    ("GET /api/collections/{collection}/tasks/{task}",    [401,   404,   404,   404,   404,   404,   404,   404]),
    ("GET /api/collection-updates-tasks/{task}",          [401,   404,   404,   404,   404,   404,   404,   404]),
    ("GET /api/collection-duplicate-tasks/{task}",        [401,   404,   404,   404,   404,   404,   404,   404]),
    // A deleted one.
    ("POST /api/trash/{collection}/restore",              [401,   404,   404,   403,   403,   403,   200,   403]),
    // What is said about it. (There is no such folder or response.)
    ("GET /api/collections/{collection}/comments",        [401,   404,   404,   200,   200,   200,   200,   200]),
    ("POST /api/collections/{collection}/comments",       [401,   404,   404,   201,   201,   201,   201,   403]),
    ("PUT /api/collections/{collection}/comments/{comment}",[401,   404,   404,   403,   403,   403,   403,   403]),
    ("DELETE /api/collections/{collection}/comments/{comment}",[401,   404,   404,   403,   403,   403,   204,   403]),
    ("GET /api/collections/{collection}/folders/{item}/comments",[401,   404,   404,   404,   404,   404,   404,   404]),
    ("POST /api/collections/{collection}/folders/{item}/comments",[401,   404,   404,   404,   404,   404,   404,   403]),
    ("PUT /api/collections/{collection}/folders/{item}/comments/{comment}",[401,   404,   404,   404,   404,   404,   404,   403]),
    ("DELETE /api/collections/{collection}/folders/{item}/comments/{comment}",[401,   404,   404,   404,   404,   404,   404,   403]),
    ("GET /api/collections/{collection}/requests/{item}/comments",[401,   404,   404,   200,   200,   200,   200,   200]),
    ("POST /api/collections/{collection}/requests/{item}/comments",[401,   404,   404,   201,   201,   201,   201,   403]),
    ("PUT /api/collections/{collection}/requests/{item}/comments/{comment}",[401,   404,   404,   403,   403,   403,   403,   403]),
    ("DELETE /api/collections/{collection}/requests/{item}/comments/{comment}",[401,   404,   404,   403,   403,   403,   204,   403]),
    ("GET /api/collections/{collection}/responses/{item}/comments",[401,   404,   404,   404,   404,   404,   404,   404]),
    ("POST /api/collections/{collection}/responses/{item}/comments",[401,   404,   404,   404,   404,   404,   404,   403]),
    ("PUT /api/collections/{collection}/responses/{item}/comments/{comment}",[401,   404,   404,   404,   404,   404,   404,   403]),
    ("DELETE /api/collections/{collection}/responses/{item}/comments/{comment}",[401,   404,   404,   404,   404,   404,   404,   403]),
    ("GET /api/pull-requests/{pull}/comments",            [401,   404,   404,   200,   200,   200,   200,   200]),
    ("POST /api/pull-requests/{pull}/comments",           [401,   404,   404,   201,   201,   201,   201,   403]),
    ("PUT /api/pull-requests/{pull}/comments/{comment}",  [401,   404,   404,   403,   403,   403,   403,   403]),
    ("DELETE /api/pull-requests/{pull}/comments/{comment}",[401,   404,   404,   403,   403,   403,   204,   403]),
    ("POST /api/comments-resolutions/{thread}",           [401,   404,   404,   204,   204,   204,   204,   403]),
    ("DELETE /api/comments-resolutions/{thread}",         [401,   404,   404,   204,   204,   204,   204,   403]),
    ("GET /api/collections/{collection}/subscription",    [401,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /api/collections/{collection}/subscribers",     [401,   404,   404,   200,   200,   200,   200,   200]),
    ("PUT /api/collections/{collection}/subscription",    [401,   404,   404,   200,   200,   200,   200,   403]),
    ("DELETE /api/collections/{collection}/subscription", [401,   404,   404,   200,   200,   200,   200,   403]),
    ("GET /api/collections/{collection}/tags",            [401,   404,   404,   200,   200,   200,   200,   200]),
    ("PUT /api/collections/{collection}/tags",            [401,   404,   404,   403,   403,   200,   200,   403]),
    ("PUT /api/collections/{collection}/favorite",        [401,   404,   404,   200,   200,   200,   200,   403]),
    ("DELETE /api/collections/{collection}/favorite",     [401,   404,   404,   200,   200,   200,   200,   403]),
    ("GET /api/collections/{collection}/webhooks",        [401,   404,   404,   403,   403,   200,   200,   403]),
    ("POST /api/collections/{collection}/webhooks",       [401,   404,   404,   403,   403,   200,   200,   403]),
    ("GET /api/teams/{team}/webhooks",                    [401,   404,   404,   403,   403,   403,   200,   403]),
    ("POST /api/teams/{team}/webhooks",                   [401,   404,   404,   403,   403,   403,   200,   403]),
    ("GET /api/webhooks/{webhook}",                       [401,   404,   404,   403,   403,   200,   200,   403]),
    ("PATCH /api/webhooks/{webhook}",                     [401,   404,   404,   403,   403,   200,   200,   403]),
    ("DELETE /api/webhooks/{webhook}",                    [401,   404,   404,   403,   403,   204,   204,   403]),
    ("POST /api/webhooks/{webhook}/secret",               [401,   404,   404,   403,   403,   200,   200,   403]),
    ("POST /api/webhooks/{webhook}/test",                 [401,   404,   404,   403,   403,   202,   202,   403]),
    ("GET /api/webhooks/{webhook}/deliveries",            [401,   404,   404,   403,   403,   200,   200,   403]),
    ("POST /api/webhooks/{webhook}/deliveries/{delivery}/redeliver", [401, 404, 404,   403,   403,   202,   202,   403]),
    ("GET /api/collections/{collection}/roles",           [401,   404,   404,   200,   200,   200,   200,   200]),
    ("PATCH /api/collections/{collection}/roles",         [401,   404,   404,   403,   403,   403,   204,   403]),
    ("GET /api/collections/{collection}/access",          [401,   404,   404,   200,   200,   200,   200,   200]),
    ("PUT /api/collections/{collection}/access",          [401,   404,   404,   403,   403,   403,   200,   403]),
    ("GET /api/collections/{collection}/access-requests", [401,   404,   404,   403,   403,   403,   200,   403]),
    // Whether there is something to ask for is told to nobody.
    ("POST /api/collections/{collection}/access-requests", [401,  202,   202,   202,   202,   202,   202,   403]),
    ("POST /api/collections/{collection}/access-requests/{user}", [401, 404, 404, 403, 403,   403,   200,   403]),
    // Pages. Who is not signed in is sent to sign in; who is goes on from the front door.
    // (The admin behind the key has made a second team by then.)
    ("GET /",                                             [200,   200,   200,   303,   303,   303,   303,   200]),
    ("GET /signup",                                       [200,   303,   303,   303,   303,   303,   303,   303]),
    ("GET /signin",                                       [200,   303,   303,   303,   303,   303,   303,   303]),
    ("GET /forgot",                                       [200,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /reset",                                        [200,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /email",                                        [200,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /way-back",                                     [200,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /confirm",                                      [200,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /sso",                                          [303,   303,   303,   303,   303,   303,   303,   303]),
    ("GET /invite/{token}",                               [200,   200,   200,   303,   303,   303,   303,   303]),
    ("GET /account",                                      [303,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /account/profile",                              [303,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /users/{user}",                                 [303,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /account/keys",                                 [303,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /device",                                       [303,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /authorize",                                    [303,   422,   422,   422,   422,   422,   422,   422]),
    ("GET /accounts",                                     [200,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /accounts/{user}",                              [303,   303,   303,   303,   303,   303,   303,   303]),
    ("GET /account/second-factor",                        [303,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /notifications",                                [303,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /notifications/settings",                       [303,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /unsubscribe",                                  [200,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /teams/new",                                    [303,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /teams/{team}",                                 [303,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /teams/{team}/sso",                             [303,   404,   404,   403,   403,   403,   200,   403]),
    ("GET /teams/{team}/domains",                         [303,   404,   404,   403,   403,   403,   200,   403]),
    ("GET /teams/{team}/billing",                         [303,   404,   404,   403,   200,   403,   403,   403]),
    ("GET /teams/{team}/invoices/{number}",               [303,   404,   404,   403,   200,   403,   403,   403]),
    ("GET /teams/{team}/workspaces",                      [303,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /workspaces/{workspace}",                       [303,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /workspaces/{workspace}/settings",              [303,   404,   404,   200,   200,   200,   200,   200]),
    // The library is not public.
    ("GET /public/workspaces/{workspace}",                [404,   404,   404,   404,   404,   404,   404,   404]),
    ("GET /public/collections/{collection}",              [404,   404,   404,   404,   404,   404,   404,   404]),
    ("GET /robots.txt",                                   [200,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /sitemap.xml",                                  [200,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /teams/{team}/library",                         [303,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /teams/{team}/settings",                        [303,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /teams/{team}/audit",                           [303,   404,   404,   403,   403,   403,   200,   200]),
    ("GET /feed",                                         [303,   200,   200,   200,   200,   200,   200,   200]),
    ("GET /teams/{team}/feed",                            [303,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /collections/{collection}",                     [303,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /collections/{collection}/webhooks",            [303,   404,   404,   403,   403,   200,   200,   403]),
    ("GET /teams/{team}/webhooks",                        [303,   404,   404,   403,   403,   403,   200,   403]),
    ("GET /collections/{collection}/access",              [303,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /collections/{collection}/items/{item}",        [303,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /collections/{collection}/forks",               [303,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /pull-requests/{pull}",                         [303,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /collections/{collection}/history",             [303,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /collections/{collection}/items/{item}/history", [303,  404,   404,   200,   200,   200,   200,   200]),
    ("GET /collections/{collection}/trash",               [303,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /workspaces/{workspace}/trash",                 [303,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /teams/{team}/trash",                           [303,   404,   404,   200,   200,   200,   200,   200]),
    ("GET /assets/{file}",                                [200,   200,   200,   200,   200,   200,   200,   200]),
];

/// Routes whose refusals have the shape of OAuth (RFC 6749), not that of the others.
const OAUTH: [&str; 2] = ["POST /api/device/token", "POST /api/oauth/token"];

/// Routes that change what the caller is (in the team, in one more team, signed out): their rows come last.
const LAST: [&str; 4] = ["POST /api/teams/buy", "POST /api/invites/accept", "POST /api/teams", "DELETE /api/sessions"];

struct World {
    app: TestApp,
    maker: User,
    team: Team,
    victim: User,
    hidden: User,
    /// Ids of a session and an API key that are not the callers'.
    secrets: (String, String),
    to_read: Option<String>,
    count: usize,
}

impl World {
    async fn new() -> World {
        let app = TestApp::start().await;
        let maker = app.user("maker").await;
        let team = app.team(&maker, 500).await;
        let victim = app.join(&team, "victim", "viewer").await;
        let hidden = app.join(&team, "hidden", "editor").await;
        victim.ask("PUT", "/api/me/picture").header("content-type", "image/png").body(samples::picture()).await.ok();
        maker.put(&format!("/api/teams/{}/plan", team.id), json!({"plan": "team"}).to_string()).await.ok();
        maker.post(&format!("/api/teams/{}/domains", team.id), json!({"domain": "example.org"})).await.ok();
        let session = maker.get("/api/sessions").await.ok().at("/sessions/0/id");
        let key = maker.post("/api/me/api-keys", json!({"name": "maker's"})).await.ok().at("/api_key/id");
        let text = |value: Value| value.as_str().expect("an id").to_owned();
        World { app, maker, team, victim, hidden, secrets: (text(session), text(key)), to_read: None, count: 0 }
    }

    async fn caller(&self, name: &str) -> Client {
        let team = format!("/api/teams/{}/members", self.team.id);
        match name {
            "nobody" => self.app.nobody().clone(),
            "hidden" => (*self.hidden).clone(),
            "stranger" => (*self.app.user("stranger").await).clone(),
            "removed" => {
                let removed = self.app.join(&self.team, "removed", "admin").await;
                self.maker.delete(&format!("{team}/{}", removed.id)).await.ok();
                (*removed).clone()
            }
            "billing" => {
                let billing = self.app.join(&self.team, "billing", "viewer").await;
                self.maker.patch(&format!("{team}/{}", billing.id), "{\"billing\": true}").await.ok();
                (*billing).clone()
            }
            "reader key" => {
                let admin = self.app.sign_in("admin").await;
                self.app.api_key(&admin, "read").await
            }
            role => (*self.app.join(&self.team, role, role).await).clone(),
        }
    }

    /// A new collection in the team's library, or the one that is only read.
    async fn collection(&mut self, to_read: bool) -> String {
        if let Some(collection) = self.to_read.clone().filter(|_| to_read) {
            return collection;
        }
        let collection = self.maker.import(&self.team.workspace, samples::of_requests("Made", 2)).await;
        self.hide(&collection).await;
        if to_read {
            self.to_read = Some(collection.clone());
        }
        collection
    }

    /// A new pull request from a fork into a collection, both in the team's library.
    async fn pull(&mut self) -> String {
        let into = self.collection(true).await;
        let fork = format!("/api/collections/fork/{into}?workspace={}", self.team.workspace);
        let from = self.maker.post(&fork, json!({"label": "Mine"})).await.ok().at("/collection/id");
        let from = from.as_str().expect("an id").to_owned();
        self.hide(&from).await;
        let asked = json!({"title": "Made", "reviewers": [], "destinationId": into});
        let made = self.maker.post(&format!("/api/collections/{from}/pull-requests"), asked).await.ok();
        made.at("/id").as_str().expect("an id").to_owned()
    }

    async fn hide(&self, collection: &str) {
        let hide = json!({"roles": [{"op": "update", "path": "/user", "value": [{"id": self.hidden.id, "role": "NONE"}]}]});
        self.maker.patch(&format!("/api/collections/{collection}/roles"), hide.to_string()).await.status(204);
    }

    /// A call of a route, of things made for it where it could change them.
    async fn call(&mut self, caller: &Client, route: &str) -> Ask {
        self.count += 1;
        let (method, mut path) = route.split_once(' ').map(|(method, path)| (method, path.to_owned())).expect("a route");
        let collection = if path.contains("{collection}") { self.collection(method == "GET").await } else { String::new() };
        if route.starts_with("POST /api/trash") {
            self.maker.delete(&format!("/api/collections/{collection}")).await.ok();
        }
        let item = if path.contains("{item}") { self.maker.item_named(&collection, "request 0").await } else { String::new() };
        let (mut invite, mut token) = (String::new(), String::new());
        if route.contains("invite") {
            let address = format!("invited-{}@example.com", self.count);
            let invited = self.maker.post(&format!("/api/teams/{}/invites", self.team.id), json!({"emails": [address]})).await.ok();
            invite = invited.at("/invites/0/id").as_str().expect("id").to_owned();
            token = link_token(invited.at("/invites/0/link").as_str().expect("link"));
        }
        let mut wish = String::new();
        if path.contains("{request}") {
            let wished = json!({"email": format!("wished-{}@example.com", self.count)});
            let wished = self.maker.post(&format!("/api/teams/{}/invite-requests", self.team.id), wished).await.ok();
            wish = wished.at("/request/id").as_str().expect("id").to_owned();
        }
        if path.contains("{user}") {
            let members = self.maker.get(&format!("/api/teams/{}/members", self.team.id)).await.ok().text;
            if !members.contains("\"victim\"") {
                self.app.bring(&self.team, &self.victim, "viewer").await;
            }
        }
        let mut shared = Value::Null;
        if route.contains("access-keys") {
            shared = json!({"collectionId": self.collection(true).await});
        }
        if route == "DELETE /api/collection-access-keys/{key}" {
            let made = self.maker.post("/api/collection-access-keys", shared.clone()).await.ok().at("/access_key/id");
            path = path.replace("{key}", made.as_str().expect("id"));
        }
        if path.contains("{group}") {
            let name = format!("Group {}", self.count);
            let made = self.maker.post(&format!("/api/teams/{}/groups", self.team.id), json!({"name": name})).await;
            let id = made.ok().at("/group/id").to_string();
            path = path.replace("{group}", &id);
        }
        if route == "GET /api/audit/logs" {
            path = format!("{path}?team={}", self.team.id);
        }
        if path.ends_with("/access-requests/{user}") {
            self.victim.post(&format!("/api/collections/{collection}/access-requests"), json!({"role": "editor"})).await.status(202);
        }
        if path.contains("{pull}") {
            path = path.replace("{pull}", &self.pull().await);
        }
        if let Some(at) = path.find("/{comment}") {
            let on = path[..at].replace("{collection}", &collection).replace("{item}", &item);
            let said = self.maker.post(&on, json!({"body": "said"})).await;
            let id = if said.status == 201 { said.at("/data/id").to_string() } else { "1".to_owned() };
            path = path.replace("{comment}", &id);
        }
        if path.contains("{thread}") {
            let on = self.collection(false).await;
            let said = self.maker.post(&format!("/api/collections/{on}/comments"), json!({"body": "said"})).await.status(201);
            path = path.replace("{thread}", &said.at("/data/threadId").to_string());
        }
        let (mut webhook, mut delivery) = (String::new(), String::new());
        if path.contains("{webhook}") {
            let (collection, url) = (self.collection(false).await, json!({"url": "http://127.0.0.1:1/"}));
            let made = self.maker.post(&format!("/api/collections/{collection}/webhooks"), url).await.ok().at("/webhook/id");
            webhook = made.as_str().expect("id").to_owned();
        }
        if path.contains("{delivery}") {
            let tested = self.maker.post(&format!("/api/webhooks/{webhook}/test"), json!({})).await.status(202).at("/delivery/id");
            delivery = tested.as_str().expect("id").to_owned();
        }
        let mut upload = String::new();
        if path.contains("{upload}") {
            let begun = self.maker.post(&format!("/api/uploads?workspace={}", self.team.workspace), json!({"bytes": 2})).await.ok();
            upload = begun.at("/upload/id").as_str().expect("id").to_owned();
        }
        for (name, value) in [
            ("{team}", self.team.id.to_string()),
            ("{user}", self.victim.id.to_string()),
            ("{workspace}", self.team.workspace.clone()),
            ("{collection}", collection),
            ("{item}", item),
            ("{invite}", invite),
            ("{token}", token.clone()),
            ("{request}", wish),
            ("{seq}", "1".to_owned()),
            ("{task}", "nonsense".to_owned()),
            ("{slug}", "needs-review".to_owned()),
            ("{number}", "1".to_owned()),
            ("{domain}", "example.org".to_owned()),
            ("{account}", self.team.id.to_string()),
            ("{session}", self.secrets.0.clone()),
            ("{key}", self.secrets.1.clone()),
            ("{file}", "console.css".to_owned()),
            ("{webhook}", webhook),
            ("{delivery}", delivery),
            ("{upload}", upload),
            ("{part}", "0".to_owned()),
            ("{task}", "nonsense".to_owned()),
            ("{provider}", "google".to_owned()),
            ("{identity}", "nonsense".to_owned()),
        ] {
            path = path.replace(name, &value);
        }
        assert!(!path.contains('{'), "a name that nobody fills in: {path}");
        if [
            "/api/collections",
            "/api/import",
            "/api/import/openapi",
            "/api/import/postman",
            "/api/import/postman/collections",
            "/api/uploads",
        ]
        .contains(&path.as_str())
            && method == "POST"
        {
            path = format!("{path}?workspace={}", self.team.workspace);
        }
        if path.starts_with("/api/accounts/") {
            path.push_str("?status=PAID");
        }
        let ask = caller.ask(method, &path);
        if route == "POST /api/collection-access-keys" {
            return ask.json(shared.to_string());
        }
        if route.ends_with("/duplicates") {
            return ask.json(json!({"workspace": self.team.workspace}).to_string());
        }
        match body(route, &path, self.count, &token, self.team.id) {
            Some(body) => ask.json(body),
            None => ask,
        }
    }
}

/// What is sent.
fn body(route: &str, path: &str, count: usize, token: &str, team: u64) -> Option<String> {
    let body = match route {
        "POST /api/signup" => json!({}),
        "POST /api/signup/confirm" => json!({"token": "nonsense"}),
        "POST /api/signup/resend" | "POST /api/username/recover" | "POST /api/password/forgot" => json!({"email": "nobody@example.com"}),
        "POST /api/password/reset" => json!({"token": "nonsense", "password": "correct horse battery"}),
        "POST /api/me/email/confirm" | "POST /api/me/email/undo" => json!({"token": "nonsense"}),
        "PATCH /api/me" => json!({"full_name": "Somebody"}),
        "POST /api/collection-folders-transfers"
        | "POST /api/collection-requests-transfers"
        | "POST /api/collection-responses-transfers" => {
            json!({"ids": ["1-0"], "mode": "copy", "target": {"model": "collection", "id": "1-0"}})
        }
        "POST /api/import/postman/collections" | "POST /api/import/postman" => json!({"api_key": "no key"}),
        "POST /api/search" => json!({"q": "request", "elementType": "requests"}),
        "PUT /api/workspaces/{workspace}/tags" | "PUT /api/collections/{collection}/tags" => json!({"tags": [{"slug": "needs-review"}]}),
        "DELETE /api/me" => json!({"password": "wrong horse"}),
        "PUT /api/me/password" => json!({"old_password": "wrong horse", "password": "correct horse battery"}),
        "POST /api/me/email" => json!({"email": "somebody.else@example.com", "password": "wrong horse"}),
        "POST /api/sso/find" => json!({"team": "nobodys"}),
        "POST /api/sso/link" | "POST /api/sso/account" => json!({}),
        "PUT /api/teams/{team}/sso" => json!({"issuer": "nonsense", "client_id": ""}),
        "POST /api/sessions" => json!({"login": "maker", "password": "wrong horse"}),
        "POST /api/device/code" => json!({"client_id": "tool"}),
        "POST /api/device/token" | "POST /api/oauth/token" => json!({"grant_type": "nonsense"}),
        "POST /api/device/answer" => json!({"user_code": "BBBB-BBBB", "answer": "approve"}),
        "POST /api/authorize" => {
            let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
            json!({"client_id": "tool", "redirect_uri": "http://127.0.0.1:1/", "code_challenge": challenge, "answer": "approve"})
        }
        "POST /api/sessions/second-factor" => json!({"challenge": "nonsense", "code": "000000"}),
        "POST /api/me/second-factor" => json!({"password": "wrong horse"}),
        "POST /api/me/second-factor/confirm" => json!({"code": "000000"}),
        "POST /api/me/second-factor/recovery-codes" | "DELETE /api/me/second-factor" => {
            json!({"password": "wrong horse", "code": "000000"})
        }
        "PUT /api/teams/{team}/second-factor" => json!({"required": true}),
        "POST /api/sessions/refresh" => json!({"refresh_token": "nonsense"}),
        "POST /api/me/api-keys" => json!({"name": "mine"}),
        "POST /api/invites/accept" => json!({"token": token}),
        "POST /api/workspaces" => json!({"workspace": {"name": format!("Workspace {count}"), "type": "private", "teamId": team}}),
        "PUT /api/workspaces/{workspace}" => json!({"workspace": {"about": format!("Changed {count} times")}}),
        "PATCH /api/workspaces/{workspace}/roles" => {
            json!({"roles": [{"op": "remove", "path": "/user", "value": [{"id": "1", "role": "1"}]}]})
        }
        "PUT /api/workspaces/{workspace}/roles" => json!({"to": "user:1", "role": null}),
        "POST /api/workspaces/{workspace}/element-transfers" => json!({}),
        "POST /api/teams" => json!({"name": format!("Team {count}")}),
        "PATCH /api/teams/{team}/members/{user}" => json!({"role": "viewer"}),
        "POST /api/teams/{team}/seats" => json!({"count": 500}),
        "POST /api/teams/{team}/invites" => json!({"emails": [format!("somebody-{count}@example.com")]}),
        "POST /api/teams/{team}/invite-requests" => json!({"email": format!("wanted-{count}@example.com")}),
        "POST /api/teams/{team}/invite-requests/{request}/approve" => json!({}),
        "POST /api/teams/{team}/domains" => json!({"domain": format!("domain-{count}.example")}),
        "PATCH /api/teams/{team}/domains/{domain}" => json!({"controls": true}),
        "POST /api/teams/{team}/join" => json!({}),
        "PUT /api/teams/{team}/plan" => json!({"plan": "team"}),
        "POST /api/teams/buy" => json!({"name": format!("Bought {count}"), "admin": format!("admin-{count}@example.com")}),
        "POST /api/teams/{team}/admin" => json!({"email": format!("admin-{count}@example.com")}),
        "PATCH /api/teams/{team}/joining" => json!({"bound": false}),
        "POST /api/collections" | "PUT /api/collections/{collection}" => return Some(samples::of_requests("Theirs", 1)),
        "POST /api/import" => return Some(samples::of_requests("Theirs", 1)),
        "POST /api/import/openapi" => {
            json!({"type": "json", "input": {"openapi": "3.1.0", "info": {"title": "Theirs"}, "paths": {"/": {"get": {}}}}})
        }
        "POST /api/uploads" => json!({"bytes": 2}),
        "PUT /api/uploads/{upload}/parts/{part}" => json!({}),
        "PATCH /api/collections/{collection}" => json!({"collection": {"name": "Theirs"}}),
        "POST /api/collections/{collection}/items" | "PUT /api/collections/{collection}/items/{item}" => samples::request("theirs"),
        "PATCH /api/collections/{collection}/items/{item}" => json!({"name": "theirs"}),
        "POST /api/collections/{collection}/items/{item}/move" => json!({"parent": null}),
        "PATCH /api/teams/{team}" => json!({"description": format!("Changed {count} times")}),
        "POST /api/teams/{team}/transfer" => json!({"user": 1}),
        "POST /api/teams/{team}/groups" => json!({"name": format!("Theirs {count}")}),
        "PATCH /api/teams/{team}/groups/{group}" => json!({"name": format!("Renamed {count}")}),
        "PATCH /api/collections/{collection}/roles" => {
            json!({"roles": [{"op": "update", "path": "/team", "value": [{"id": team, "role": "EDITOR"}]}]})
        }
        "PUT /api/collections/{collection}/access" => json!({"to": "everyone", "role": "editor"}),
        "POST /api/collections/{collection}/access-requests" => json!({"role": "admin"}),
        "POST /api/collections/{collection}/access-requests/{user}" => json!({"action": "approve"}),
        "POST /api/notifications/read" | "POST /api/feed/seen" => json!({}),
        "PUT /api/me/notifications" => json!({"changes": {"in_app": true, "mail": true}}),
        "POST /api/collections/{collection}/items/{item}/copy" => json!({"collection": path.split('/').nth(3)}),
        "POST /api/collections/{collection}/batch" => json!({"operations": [{"op": "create", "item": samples::request("theirs")}]}),
        "POST /api/collections/{collection}/folders"
        | "POST /api/collections/{collection}/requests"
        | "POST /api/collections/{collection}/responses"
        | "PUT /api/collections/{collection}/folders/{item}"
        | "PUT /api/collections/{collection}/requests/{item}"
        | "PUT /api/collections/{collection}/responses/{item}" => json!({"name": "theirs"}),
        "POST /api/collections/{collection}/sync" => json!({"since": 0}),
        "POST /api/collections/{collection}/restore" => json!({"seq": 1}),
        "POST /api/collections/fork/{collection}" => json!({"label": "theirs"}),
        "PUT /api/collections/{collection}/pulls" => json!({}),
        "POST /api/collections/{collection}/pull-requests" => {
            json!({"title": "Theirs", "reviewers": [], "destinationId": path.split('/').nth(3)})
        }
        "PUT /api/pull-requests/{pull}" => json!({"title": "Theirs", "reviewers": []}),
        "POST /api/pull-requests/{pull}/tasks" => json!({"action": "approve"}),
        "POST /api/collections/merge" | "PUT /api/collection-merges" => json!({"source": "-", "destination": "-"}),
        route if route.contains("/comments") && !route.starts_with("GET") && !route.starts_with("DELETE") => json!({"body": "theirs"}),
        "PUT /api/collections/{collection}/subscription" => json!({"mail": "off"}),
        "POST /api/collections/{collection}/webhooks" => json!({"url": "http://127.0.0.1:1/"}),
        "POST /api/teams/{team}/webhooks" => json!({"url": "http://127.0.0.1:1/"}),
        "PATCH /api/webhooks/{webhook}" => json!({"description": "theirs"}),
        _ => return None,
    };
    Some(body.to_string())
}

/// What an editor is answered from whom all collections are hidden.
fn hidden(route: &str, row: &[u16; 8]) -> u16 {
    let column = |name| row[CALLERS.iter().position(|caller| *caller == name).expect("a column")];
    let of_collection = ["{collection}", "comments-resolutions", "collection-access-keys", "{webhook}", "{pull}"];
    if of_collection.iter().any(|part| route.contains(part)) { column("stranger") } else { column("editor") }
}

#[tokio::test]
async fn every_route_and_every_caller() {
    let mut world = World::new().await;
    let mut wrong = Vec::new();
    let mut rows: Vec<_> = MATRIX.iter().filter(|(route, _)| !LAST.contains(route)).collect();
    rows.extend(LAST.iter().flat_map(|last| MATRIX.iter().filter(move |(route, _)| route == last)));
    let columns = CALLERS.iter().enumerate().map(|(column, name)| (*name, Some(column))).chain([("hidden", None)]);
    for (name, column) in columns {
        let caller = world.caller(name).await;
        for (route, expected) in &rows {
            let answer = world.call(&caller, route).await.await;
            let expected = column.map_or_else(|| hidden(route, expected), |column| expected[column]);
            if answer.status != expected {
                wrong.push(format!("{route} by {name}: {expected} expected, {answer}"));
            } else if 400 <= expected && route.contains("/api/") && !OAUTH.contains(route) {
                let code = answer.at("/code");
                answer.refused(expected, code.as_str().expect("code"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of the matrix:\n{}", wrong.len(), wrong.join("\n\n"));
    world.app.mails().await;
    world.app.finish().await;
}

#[test]
fn every_operation_has_a_row() {
    let routes: BTreeSet<String> = operations().iter().map(|one| format!("{} {}", one.method, one.path)).collect();
    let judged: BTreeSet<String> = MATRIX.iter().map(|(route, _)| (*route).to_owned()).collect();
    assert_eq!(judged.len(), MATRIX.len(), "a route has two rows");
    let missing: Vec<_> = routes.symmetric_difference(&judged).collect();
    assert!(missing.is_empty(), "add a row (or take it away): who may call {missing:?}?");
}

#[tokio::test]
async fn an_unconfirmed_address_invites_nobody() {
    let app = TestApp::start().await;
    let anna = app.unconfirmed("anna").await;
    let team = app.team(&anna, 2).await;
    let invites = format!("/api/teams/{}/invites", team.id);
    anna.post(&invites, json!({"emails": ["bob@example.com"]})).await.refused(403, "forbidden");
    anna.get(&format!("/api/teams/{}", team.id)).await.ok();
    app.finish().await;
}

#[tokio::test]
async fn what_a_browser_is_made_to_send_is_refused() {
    let app = TestApp::start().await;
    app.user("anna").await;
    let login = json!({"login": "anna", "password": format!("{}anna", tests::PASSWORD)});
    let signed_in = app.nobody().post("/api/sessions", login).await.ok();
    let set = signed_in.header("set-cookie").to_owned();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax"), "{set}");
    let browser = app.nobody().with("cookie", set.split(';').next().unwrap_or_default());
    browser.get("/api/me").await.ok();
    browser.post("/api/teams", json!({"name": "Mine"})).header("origin", app.url()).await.ok();
    browser.post("/api/teams", json!({"name": "Forged"})).header("origin", "https://evil.example").await.refused(403, "forged");
    let form = browser.ask("POST", "/api/teams").header("content-type", "text/plain").body("{\"name\": \"Forged\"}");
    assert!([403, 415].contains(&form.await.status));
    browser.delete("/api/sessions").header("origin", "https://evil.example").await.refused(403, "forged");
    assert_eq!(browser.get("/api/teams").await.ok().at("/data").as_array().map(Vec::len), Some(1));
    app.finish().await;
}
