//! `crashrate schema`: JSON Schemas of what crashrate reads and writes.

use clap::{Args, ValueEnum};
use crashrate_model::Record;
use crashrate_protocol::Event;
use schemars::{Schema, schema_for};
use serde_json::{Value, json};

use crate::error::{Exit, Failure};
use crate::output::answer;

#[derive(Args, Debug)]
#[command(after_help = "\
Schemas are of draft 2020-12. An editor with a TOML language server checks and completes a suite \
whose first line is `#:schema suite.json`.

Examples:
  crashrate schema suite > suite.json
  crashrate schema report > report.json")]
pub(crate) struct SchemaArguments {
    /// What it describes
    #[arg(value_enum)]
    of: Kind,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// A suite file
    Suite,
    /// The JSON report
    Report,
    /// A line of a run's journal
    Journal,
    /// An event that a child sends
    Events,
}

pub(crate) fn schema(arguments: &SchemaArguments) -> Result<Exit, Failure> {
    let schema = match arguments.of {
        Kind::Suite => titled(
            crashrate_supervisor::suite::schema(),
            "A suite of crashrate",
        ),
        Kind::Report => titled(crashrate_report::json_schema(), "A report of crashrate"),
        Kind::Journal => journal(),
        Kind::Events => events(),
    };
    let text = serde_json::to_string_pretty(&schema).map_err(Failure::usage)?;
    answer(&(text + "\n"))
}

fn titled(mut schema: Schema, title: &str) -> Schema {
    schema.insert("title".into(), title.into());
    schema
}

fn journal() -> Schema {
    let mut schema = titled(schema_for!(Record), "A line of the journal of crashrate");
    let sum = json!({
        "description": "CRC-32 of the line, started with that of the line before.",
        "type": "string",
        "pattern": "^[0-9a-f]{8}$",
    });
    add_property(&mut schema, "sum", sum);
    schema.insert("required".into(), json!(["sum"]));
    schema
}

fn events() -> Schema {
    let mut schema = titled(schema_for!(Event), "An event of a child of crashrate");
    let version = json!({
        "description": "The version of the protocol; the current one if it is missing.",
        "const": crashrate_protocol::VERSION,
    });
    add_property(&mut schema, "v", version);
    schema
}

/// Adds a property that all kinds of a tagged type have.
fn add_property(schema: &mut Schema, name: &str, property: Value) {
    schema.insert("type".into(), "object".into());
    schema.insert("properties".into(), json!({ name: property }));
}
