//! What the documents say of their schemas is true of the sources, and complete.

use super::{asyncapi, document};
use operations::{
    Operations,
    schemas::{described, optional},
    texts,
};
use protocol::codes::{At, CODES, FIELD_CODES};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

fn documents() -> [Value; 2] {
    [document(), asyncapi::document::<Operations>()]
}

/// The fields of each schema, and of the parts of it.
fn fields_of(document: &Value) -> BTreeMap<(String, String), Value> {
    let mut fields = BTreeMap::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let parts = schema["allOf"].as_array().map_or(std::slice::from_ref(schema), Vec::as_slice);
        for part in parts {
            for (field, value) in part["properties"].as_object().into_iter().flatten() {
                fields.insert((name.clone(), field.clone()), value.clone());
            }
        }
    }
    fields
}

/// Whether a description is of a closed list: it begins with words in backticks, and the last of them comes after "or".
fn lists_words(field: &Value) -> bool {
    let description = field["description"].as_str().unwrap_or_default();
    let is_text = field["type"] == "string" || field["type"] == json!(["string", "null"]);
    let listed = description.split(['.', ';', ':']).next().unwrap_or_default();
    is_text && listed.starts_with('`') && listed.contains("` or `")
}

#[test]
fn a_closed_list_is_one_in_the_documents() {
    for document in documents() {
        for ((schema, field), value) in fields_of(&document) {
            assert!(!lists_words(&value) || value["enum"].is_array(), "{schema}.{field} is a closed list: {value}");
        }
    }
}

/// The names to which anything in a part of a document refers.
fn referred(part: &Value, found: &mut BTreeSet<String>) {
    match part {
        Value::Object(fields) => {
            let name = fields.get("$ref").and_then(Value::as_str).and_then(|to| to.rsplit('/').next());
            found.extend(name.map(str::to_owned));
            fields.values().for_each(|part| referred(part, found));
        }
        Value::Array(parts) => parts.iter().for_each(|part| referred(part, found)),
        _ => {}
    }
}

#[test]
fn every_schema_is_referred_to_so_that_no_two_have_one_name() {
    let (rest, mut found) = (document(), BTreeSet::new());
    referred(&rest, &mut found);
    let schemas = rest["components"]["schemas"].as_object().unwrap().keys();
    assert_eq!(schemas.filter(|name| !found.contains(*name)).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn only_existing_fields_are_described() {
    let there: BTreeSet<_> = documents().iter().flat_map(|document| fields_of(document).into_keys()).collect();
    for (schema, field) in described() {
        assert!(there.contains(&(schema.to_owned(), field.to_owned())), "{schema}.{field} is in neither document");
    }
}

/// The fields that the sources leave out instead of writing null.
fn left_out() -> BTreeSet<String> {
    fn gather(folder: &Path, found: &mut BTreeSet<String>) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                gather(&path, found);
            } else {
                found.extend(of_source(&path));
            }
        }
    }
    fn of_source(path: &Path) -> Vec<String> {
        let text = fs::read_to_string(path).unwrap();
        // Pieces, so that this line is not found itself.
        let attribute = ["#[serde(", "skip_serializing_if"].concat();
        let fields = text.split(&attribute).skip(1).map(|rest| {
            let mut lines = rest.lines().skip(1).map(str::trim);
            let line = lines.find(|line| !line.starts_with(['#', '/'])).unwrap();
            camel_case(line.trim_start_matches("pub ").split(':').next().unwrap())
        });
        fields.collect()
    }
    let mut found = BTreeSet::new();
    for sources in ["protocol/src", "realtime/src", "operations/src", "rest/src", "sockets/src"] {
        gather(&Path::new(env!("CARGO_MANIFEST_DIR")).join(sources), &mut found);
    }
    found
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
}

#[test]
fn what_the_sources_leave_out_is_all_that_can_be_absent() {
    assert_eq!(left_out(), optional().into_iter().map(str::to_owned).collect());
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

#[test]
fn answers_have_all_their_fields_and_requests_no_others() {
    let [rest, sockets] = documents().map(|document| document["components"]["schemas"].clone());
    let required = |schemas: &Value, name: &str, field: &str| {
        schemas[name]["required"].as_array().into_iter().flatten().any(|required| required == field)
    };
    for (name, field) in [
        ("Problem", "requestId"),
        ("User", "avatarUrl"),
        ("Message", "replyTo"),
        ("Message", "deletedAt"),
        ("List_Message", "next"),
        ("Call", "answeredAt"),
    ] {
        assert!(required(&rest, name, field), "{name}.{field}");
    }
    assert!(!required(&rest, "Message", "contentHtml") && !required(&rest, "Problem", "errors"));
    assert!(!required(&rest, "NewMessage", "guid"));
    for (schemas, name) in
        [(&rest, "NewMessage"), (&rest, "NewAttachment"), (&sockets, "NewSignal"), (&sockets, "Auth")]
    {
        assert_eq!(schemas[name]["additionalProperties"], json!(false), "{name}");
    }
    assert!(rest["Message"].get("additionalProperties").is_none());
    assert_eq!(rest["List_Message"]["properties"]["items"]["items"], reference("Message"));
    assert!(rest.get("u64").is_none());
    assert_eq!(rest["Conversation"]["allOf"][1]["properties"]["lastMessage"]["oneOf"][0], reference("Message"));
}

#[test]
fn a_mark_goes_up_to_a_number_or_an_id_and_a_payload_is_anything() {
    let [rest, sockets] = documents().map(|document| document["components"]["schemas"].clone());
    for schemas in [&rest, &sockets] {
        let choices = schemas["UpTo"]["oneOf"].as_array().unwrap();
        let kinds: Vec<_> = choices.iter().map(|choice| (&choice["type"], &choice["format"])).collect();
        assert_eq!(kinds, [(&json!("integer"), &Value::Null), (&json!("string"), &json!("uuid"))]);
        assert!(schemas["NewCall"]["properties"]["signalData"].get("type").is_none());
    }
    for (name, field) in [("NewSignal", "payload"), ("CustomSignal", "payload"), ("CallSignal", "payload")] {
        assert!(sockets[name]["properties"][field].get("type").is_none(), "{name}.{field}");
    }
    let required = sockets["NewSignal"]["required"].as_array().unwrap();
    assert!(!required.contains(&json!("payload")));
}

#[test]
fn both_documents_list_the_codes_with_status_and_sentence() {
    for (document, at) in documents().into_iter().zip([At::Rest, At::Sockets]) {
        let listed = |schema: &str| {
            let listed = &document["components"]["schemas"][schema]["properties"]["code"]["x-codes"];
            listed.as_array().unwrap_or_else(|| panic!("{at:?} lists the codes of {schema}")).clone()
        };
        let documented: BTreeMap<_, _> =
            listed("Problem").iter().map(|code| (code["code"].to_string(), code["status"].clone())).collect();
        let wanted = CODES.iter().filter(|code| code.at == At::Both || code.at == at);
        let wanted = wanted.map(|code| (json!(code.word).to_string(), json!(code.status)));
        assert_eq!(documented, wanted.collect(), "{at:?}");
        assert!(listed("Problem").iter().all(|code| code["detail"].is_string()), "{at:?}");
        assert_eq!(listed("FieldProblem").len(), FIELD_CODES.len(), "{at:?}");
    }
}

#[test]
fn the_documents_tell_how_long_texts_may_be() {
    let documents = documents();
    for (schema, field, fewest, most) in texts::FIELDS {
        let mut found = 0;
        for document in &documents {
            let text = &document["components"]["schemas"][schema]["properties"][field];
            if text.is_null() {
                continue;
            }
            found += 1;
            assert_eq!(text["maxLength"], json!(texts::as_sent(*most)), "{schema}.{field}");
            let described = text["description"].as_str().unwrap();
            assert!(described.ends_with(&texts::counted(field, *fewest, *most)), "{schema}.{field}: {described}");
            assert_eq!(text["minLength"].as_u64().unwrap_or(0), (*fewest).min(1) as u64, "{schema}.{field}");
        }
        assert!(found > 0, "{schema}.{field} is in neither document");
    }
}
