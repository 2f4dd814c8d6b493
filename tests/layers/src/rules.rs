//! Which modules and crates may import which: the one list of the layers.

/// The layers of the core, from the ground up. A module imports modules of its own layer and of those above it in
/// this list.
pub const CORE: &[(&str, &[&str])] = &[
    (
        "text and values",
        &["base_url", "digest", "display", "operation", "private_file", "redact", "tls"],
    ),
    (
        "requests, replies and errors",
        &[
            "error",
            "http_client",
            "json",
            "lenient",
            "param",
            "region",
            "reply",
            "request",
            "retry",
            "runtime",
            "spans",
            "wait",
            "wire",
        ],
    ),
    ("HTTP client", &["auth", "call", "client", "download", "pipeline", "rate_limit"]),
    (
        "what lists are made of",
        &[
            "call_counter",
            "dedupe",
            "interval",
            "json_path",
            "options",
            "page_identity",
            "saved_job",
            "schedule",
            "split_errors",
        ],
    ),
    ("lists that come in pages", &["paging"]),
    ("jobs", &["jobs"]),
    ("ranges of time", &["windows"]),
    ("checkpoints", &["checkpoint"]),
    ("what generated code uses", &["fuzzing", "generated", "list", "macros"]),
    ("what programs use", &["blocking", "specs", "test_util"]),
];

/// The crates, from the ground up. A crate depends on those above it in this list.
pub const CRATES: &[&str] = &[
    "genesys-cloud-catalogue",
    "genesys-cloud-mock",
    "genesys-cloud-core",
    "genesys-cloud-api",
    "genesys-cloud",
    "genesys-cloud-sinks",
    "genesys-cloud-cli",
];

/// The fake org knows the API independently of the client: not even its tests use the client.
pub const INDEPENDENT: (&str, &[&str]) = ("genesys-cloud-mock", &["genesys-cloud-catalogue"]);

/// Modules that import each other, by crate. Each of these lists is to become shorter; no other cycle is accepted.
pub const CYCLES: &[(&str, &[&[&str]])] = &[];
