//! Things that more than one function answers with, in their shape on the wire.

use domain::fork::ForkOf;
use domain::pull::Pull;
use domain::team::{Seats, Team};
use serde_json::{Value, json};

/// A team as the Postman API shows it, with its workspace and seats beside. A team is its own organization.
pub fn team(team: &Team, of: Seats) -> Value {
    json!({
        "id": team.id,
        "name": team.name,
        "handle": team.handle,
        "description": team.description,
        "logo": team.logo_path(),
        "organizationId": team.id,
        "createdBy": team.created_by,
        "createdAt": team.created_at,
        "updatedAt": team.updated_at,
        "enabled": true,
        "requires_second_factor": team.requires_second_factor,
        "workspace": team.workspace,
        "readOnly": team.read_only,
        "seats": seats(of),
    })
}

/// What a collection is a fork of, in the Postman API's shape.
pub fn fork(of: &ForkOf) -> Value {
    json!({"label": of.label, "createdAt": of.at, "from": of.uid()})
}

/// A pull request, as the Postman API lists it.
pub fn pull_in_list(pull: &Pull) -> Value {
    json!({
        "id": pull.id,
        "title": pull.title,
        "description": pull.description,
        "status": pull.status,
        "comment": pull.comment,
        "forkType": "collection",
        "sourceId": pull.source.uid(),
        "destinationId": pull.destination.uid(),
        "createdAt": pull.created_at,
        "createdBy": pull.by.to_string(),
        "updatedAt": pull.updated_at,
    })
}

/// The seats of a team. Members and pending invitations each hold one.
pub fn seats(seats: Seats) -> Value {
    json!({"count": seats.count, "used": seats.used, "free": seats.free()})
}
