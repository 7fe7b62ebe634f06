//! Collections for the tests to import.

use std::io::Write;

use serde_json::{Value, json};

/// The schema of format 2.1.
pub const SCHEMA: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";

/// A collection with these items.
pub fn collection(name: &str, items: &[Value]) -> String {
    json!({"info": {"name": name, "schema": SCHEMA}, "item": items}).to_string()
}

/// A request.
pub fn request(name: &str) -> Value {
    let url = format!("https://api.example.com/{}", name.replace(' ', "-"));
    json!({"name": name, "request": {"method": "GET", "header": [{"key": "accept", "value": "application/json"}], "url": url}, "response": []})
}

/// A folder with these items.
pub fn folder(name: &str, items: &[Value]) -> Value {
    json!({"name": name, "item": items})
}

/// A collection of `count` requests, named `request 0` and so on.
pub fn of_requests(name: &str, count: usize) -> String {
    let items: Vec<Value> = (0..count).map(|index| request(&format!("request {index}"))).collect();
    collection(name, &items)
}

/// A text of `length` bytes that no compression makes short.
pub fn noise(length: usize) -> String {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-"[usize::try_from(state % 64).unwrap_or(0)]
    };
    (0..length).map(|_| char::from(next())).collect()
}

/// A PNG of one pixel.
pub fn picture() -> Vec<u8> {
    use base64::Engine;
    let file = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    base64::engine::general_purpose::STANDARD.decode(file).expect("base64")
}

/// A body packed with gzip.
pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(body).expect("memory takes it");
    packer.finish().expect("memory takes it")
}

/// Everything that real files have and that gets lost easily, in one collection.
pub const CURIOUS: &str = include_str!("curious.json");
