//! Codegen on bad input: one message with the location, and no output.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use tempfile::TempDir;
use xtask::codegen::{self, Options, PINNED};

use crate::document;

/// A workspace of one small document, with up-to-date generated files.
struct Workspace {
    folder: TempDir,
}

impl Workspace {
    fn new() -> Self {
        Self::of(&document("mended.json"))
    }

    fn of(text: &str) -> Self {
        let workspace = Self { folder: TempDir::new().unwrap() };
        let marks = "[features]\n# begin groups\n# end groups\n";
        workspace.write("openapi/operations.toml", "");
        workspace
            .write("openapi/page-sizes.tsv", "method\tpath\tusual\tmaximum\tminimum\tsource\n");
        let chats = ["/api/v2/chats/rooms/{roomJid}", "/api/v2/chats/users/{userId}"];
        let entries = chats.iter().filter(|path| text.contains(*path));
        let entries: String = entries.map(|path| format!("{path}\t-\t-\tnot listed\n")).collect();
        workspace.write("openapi/parents.tsv", &format!("path\tlist\tfield\treason\n{entries}"));
        workspace.write("crates/genesys-cloud-api/Cargo.toml", marks);
        workspace.write("crates/genesys-cloud/Cargo.toml", marks);
        for file in ["client.rs", "lib.rs", "prelude.rs"] {
            workspace.write(&format!("crates/genesys-cloud-api/src/{file}"), "");
        }
        workspace.write("new.json", text);
        codegen::pin(workspace.path(), &workspace.path().join("new.json")).unwrap();
        workspace.run(&Options::default()).unwrap();
        workspace
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn run(&self, options: &Options) -> anyhow::Result<()> {
        codegen::run(self.path(), options)
    }

    /// All files and their contents.
    fn files(&self) -> BTreeMap<PathBuf, String> {
        let mut files = BTreeMap::new();
        let mut ahead = vec![self.path().to_owned()];
        while let Some(folder) = ahead.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    ahead.push(path);
                } else {
                    let text = fs::read_to_string(&path).unwrap();
                    files.insert(path.strip_prefix(self.path()).unwrap().to_owned(), text);
                }
            }
        }
        files
    }

    /// The message of a failing run, which must leave every file unchanged.
    fn refusal(&self, options: &Options) -> String {
        let before = self.files();
        let error = self.run(options).expect_err("this should be refused");
        assert_eq!(before, self.files());
        format!("{error:#}").replace(&self.path().display().to_string(), "[workspace]")
    }

    /// Options for a standalone crate from this document.
    fn crate_of(&self, text: &str) -> Options {
        self.write("spec.json", text);
        Options {
            spec: Some(self.path().join("spec.json")),
            out: Some(self.path().join("out")),
            ..Options::default()
        }
    }
}

#[test]
fn a_second_run_changes_nothing() {
    let workspace = Workspace::new();
    let before = workspace.files();
    assert!(
        before.contains_key(Path::new("crates/genesys-cloud-api/src/generated/things/types.rs"))
    );
    workspace.run(&Options { check: true, ..Options::default() }).unwrap();
    workspace.run(&Options::default()).unwrap();
    assert_eq!(before, workspace.files());
}

#[test]
fn names_stale_files() {
    let workspace = Workspace::new();
    let folder = "crates/genesys-cloud-api/src/generated";
    workspace.write(&format!("{folder}/things/types.rs"), "// by hand");
    workspace.write(&format!("{folder}/gone/mod.rs"), "// of a group that is gone");
    fs::remove_file(workspace.path().join(folder).join("mod.rs")).unwrap();
    assert_snapshot!(workspace.refusal(&Options { check: true, ..Options::default() }), @r"
3 generated files are stale; run `cargo xtask codegen`:
  crates/genesys-cloud-api/src/generated/gone/mod.rs
  crates/genesys-cloud-api/src/generated/mod.rs
  crates/genesys-cloud-api/src/generated/things/types.rs
");
    workspace.run(&Options::default()).unwrap();
    assert!(!workspace.path().join(folder).join("gone/mod.rs").exists());
    workspace.run(&Options { check: true, ..Options::default() }).unwrap();
}

#[test]
fn a_bad_document_leaves_existing_files() {
    let workspace = Workspace::new();
    let options = workspace.crate_of(&document("single.json"));
    workspace.run(&options).unwrap();
    assert_snapshot!(workspace.refusal(&workspace.crate_of("no")), @"[workspace]/spec.json: not valid JSON: expected ident at line 1 column 2");
    assert_snapshot!(workspace.refusal(&workspace.crate_of(r#"{ "kind": "Pod" }"#)), @"[workspace]/spec.json: not an API document: it has neither `swagger` nor `openapi`");
    assert_snapshot!(workspace.refusal(&workspace.crate_of(r#"{ "swagger": "1.2" }"#)), @r#"[workspace]/spec.json: `swagger`: unsupported version "1.2"; expected Swagger 2.0, OpenAPI 3.0 or 3.1"#);
}

#[test]
fn rejects_an_unknown_group() {
    let workspace = Workspace::new();
    let only = vec!["users".to_owned(), "things".to_owned()];
    assert_snapshot!(workspace.refusal(&Options { only: only.clone(), ..Options::default() }), @"--only: the document has no group `users`; it has others, things");
    let options = Options { only, ..workspace.crate_of(&document("two_groups.json")) };
    assert_snapshot!(workspace.refusal(&options), @"--only: the document has no group `things`; it has groups_and_teams, users");
}

#[test]
fn generates_a_single_group() {
    let workspace = Workspace::new();
    let out = workspace.path().join("out");
    let only = vec!["things".to_owned()];
    workspace
        .run(&Options { out: Some(out.clone()), only: only.clone(), ..Options::default() })
        .unwrap();
    assert!(out.join("src/generated/things/operations.rs").exists());
    assert!(!out.join("src/generated/others").exists());

    let mut before = workspace.files();
    let types = "crates/genesys-cloud-api/src/generated/things/types.rs";
    let others = "crates/genesys-cloud-api/src/generated/others/types.rs";
    workspace.write(types, "// stale");
    workspace.write(others, "// stale");
    workspace.run(&Options { only, ..Options::default() }).unwrap();
    before.insert(others.into(), "// stale".to_owned());
    assert_eq!(before, workspace.files());
}

#[test]
fn reports_missing_files() {
    let workspace = Workspace::new();
    let missing = Options {
        spec: Some(workspace.path().join("missing.json")),
        out: Some(workspace.path().join("out")),
        ..Options::default()
    };
    assert_snapshot!(workspace.refusal(&missing), @"can't read [workspace]/missing.json: No such file or directory (os error 2)");
    // A folder can't be created below a file.
    let mut below_a_file = workspace.crate_of(&document("single.json"));
    below_a_file.out = Some(workspace.path().join("new.json").join("out"));
    assert_snapshot!(workspace.refusal(&below_a_file), @"can't write [workspace]/new.json/out/.codegen-files: Not a directory (os error 20)");
    fs::remove_file(workspace.path().join("openapi/operations.toml")).unwrap();
    assert_snapshot!(workspace.refusal(&Options::default()), @"can't read [workspace]/openapi/operations.toml: No such file or directory (os error 2)");
}

#[test]
fn rejects_a_changed_pinned_document() {
    let workspace = Workspace::new();
    let text = fs::read_to_string(workspace.path().join(PINNED)).unwrap();
    workspace.write(PINNED, &text.replace("getThings", "getThinks"));
    assert_snapshot!(workspace.refusal(&Options::default()), @"openapi/genesys-cloud.json is not the document whose sha256 stands in openapi/genesys-cloud.json.sha256; if it was changed on purpose, `cargo xtask pin openapi/genesys-cloud.json` says so");
}

#[test]
fn a_bad_document_is_not_pinned() {
    let workspace = Workspace::new();
    let before = workspace.files();
    workspace.write("new.json", r#"{ "swagger": "2.0", "paths": { "things": {} } }"#);
    let error = codegen::pin(workspace.path(), &workspace.path().join("new.json")).unwrap_err();
    assert!(
        format!("{error:#}").ends_with("#/paths/things: it does not start with `/`"),
        "{error:#}"
    );
    workspace.write("new.json", &before[Path::new("new.json")]);
    assert_eq!(before, workspace.files());
}

#[test]
fn rejects_a_fixup_without_effect() {
    let workspace = Workspace::new();
    workspace.write("new.json", &document("mended.json").replace("OPEN", "open"));
    codegen::pin(workspace.path(), &workspace.path().join("new.json")).unwrap();
    assert_snapshot!(workspace.refusal(&Options::default()), @"[workspace]/openapi/genesys-cloud.json: fixup `defaults_outside_their_enum` finds nothing to fix in this document; remove it from xtask/src/fixups.rs");
}

#[test]
fn rejects_wrong_or_stale_exceptions() {
    let workspace = Workspace::new();
    let refusal = |toml: &str| {
        workspace.write("openapi/operations.toml", toml);
        workspace.refusal(&Options::default())
    };
    assert_snapshot!(refusal("[names.getGone]\nname = 'gone'\nreason = 'It was here.'"), @"openapi/operations.toml: [names.getGone] matches no operation of the document; remove the entry");
    assert_snapshot!(refusal("[names.getThings]\nname = 'all'\nreason = ' '"), @"openapi/operations.toml: [names.getThings] has no reason");
    assert_snapshot!(refusal("[names.getThings]\nname = 'all-things'\nreason = 'Why not.'"), @"openapi/operations.toml: `all-things`, the name of `getThings`, is not a method name");
    assert_snapshot!(refusal("[tags.getGone]\nscheme = 'LimitOnly'\nreason = 'It was here.'"), @"openapi/operations.toml: [tags.getGone] matches no operation of the document; remove the entry");
    assert_snapshot!(refusal("[tags.getThings]\nscheme = 'LimitOnly'\nreason = ''"), @"openapi/operations.toml: [tags.getThings] has no reason");
    let unknown = refusal("[tags.getThings]\nscheme = 'Pages'\nreason = 'No such scheme.'");
    assert!(
        unknown.contains("unknown variant `Pages`, expected one of `PageNumber`,"),
        "{unknown}"
    );
    assert_snapshot!(refusal("[tag.getThings]"), @r"
openapi/operations.toml: TOML parse error at line 1, column 2
  |
1 | [tag.getThings]
  |  ^^^
unknown field `tag`, expected one of `names`, `tags`, `caps`, `reads`, `windows`, `tokens`, `families`, `accepted`, `not_jobs`
");
    assert_snapshot!(
        refusal("[tags.getOthers]\nscheme = 'UnpagedEntities'\nreason = 'The rules say so too.'"),
        @"openapi/operations.toml: the rules already find what [tags.getOthers] states; remove the entry"
    );
    assert_snapshot!(refusal("[windows.getThings]\ndays = 7\nreason = 'Why not.'"), @"openapi/operations.toml: [windows.getThings] is for an operation without an interval");
}

#[test]
fn rejects_wrong_or_stale_page_sizes() {
    let workspace = Workspace::new();
    let refusal = |line: &str| {
        let head = "# sdk: https://example.com/docs\nmethod\tpath\tusual\tmaximum\tminimum\tsource";
        workspace.write("openapi/page-sizes.tsv", &format!("{head}\n{line}\n"));
        workspace.refusal(&Options::default())
    };
    assert_snapshot!(refusal("GET\t/api/v2/gone\t-\t100\t-\tsdk/things.md"), @"openapi/page-sizes.tsv: GET /api/v2/gone matches no operation of the document; remove the line");
    assert_snapshot!(refusal("GET\t/api/v2/things\t-\tmany\t-\tsdk/things.md"), @"openapi/page-sizes.tsv, line 3: `many` is not a number of items");
    assert_snapshot!(refusal("GET\t/api/v2/things\t-\t0\t-\tsdk/things.md"), @"openapi/page-sizes.tsv, line 3: `0` is not a number of items");
    assert_snapshot!(refusal("GET\t/api/v2/things\t100"), @"openapi/page-sizes.tsv, line 3: expected six columns separated by tabs");
    assert_snapshot!(refusal("GET\t/api/v2/things\t-\t-\t10\tsdk/things.md"), @"openapi/page-sizes.tsv, line 3: expected either `usual` or `maximum`");
    assert_snapshot!(refusal("GET\t/api/v2/things\t-\t100\t200\tsdk/things.md"), @"openapi/page-sizes.tsv, line 3: the minimum exceeds the other bound");
    assert_snapshot!(refusal("GET\t/api/v2/things\t-\t100\t-\tsomewhere"), @"openapi/page-sizes.tsv, line 3: unknown source `somewhere`; the comments of the file name the sources");
    let line = "GET\t/api/v2/things\t-\t100\t-\tsdk/things.md";
    assert_snapshot!(refusal(&format!("{line}\n{line}")), @"openapi/page-sizes.tsv, line 4: GET /api/v2/things has two lines; remove one");
    assert_snapshot!(refusal(line), @"openapi/page-sizes.tsv: GET /api/v2/things has no page-size parameter; remove the line");
}

#[test]
fn rejects_two_operations_with_one_name() {
    let workspace = Workspace::new();
    let text = document("mended.json").replace("getThingsState", "get_things");
    workspace.write("new.json", &text);
    codegen::pin(workspace.path(), &workspace.path().join("new.json")).unwrap();
    assert_snapshot!(workspace.refusal(&Options::default()), @r"
operations without a unique name; name them in openapi/operations.toml:
  GET /api/v2/things/state (get_things): `things.things` is GET /api/v2/things (getThings)
");
    workspace.write(
        "openapi/operations.toml",
        "[names.get_things]\nname = \"state\"\nreason = \"Its id differs by case alone.\"\n",
    );
    workspace.run(&Options::default()).unwrap();
    workspace.run(&Options { check: true, ..Options::default() }).unwrap();
}

/// The files below a folder, and their contents.
fn below(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut ahead = vec![folder.to_owned()];
    while let Some(folder) = ahead.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                ahead.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                files.insert(path, text);
            }
        }
    }
    files
}

#[test]
fn leaves_files_that_codegen_did_not_create() {
    let workspace = Workspace::new();
    let options = workspace.crate_of(&document("two_groups.json"));
    // A hand-written crate, with and without a manifest.
    workspace.write("out/src/lib.rs", "// mine");
    workspace.write("out/src/generated/users/types.rs", "// mine too");
    assert_snapshot!(workspace.refusal(&options), @r"
    --out: [workspace]/out has files that codegen did not create; choose another folder:
      src/generated/users/types.rs
      src/lib.rs
    ");
    let force = |options: &Options| Options {
        spec: options.spec.clone(),
        out: options.out.clone(),
        force: true,
        ..Options::default()
    };
    assert!(workspace.refusal(&force(&options)).contains("did not create"));
    workspace.write("out/Cargo.toml", "[package]\nname = \"mine\"\n");
    assert!(workspace.refusal(&options).contains("  Cargo.toml\n"));
    fs::remove_dir_all(workspace.path().join("out")).unwrap();

    // Other files next to generated ones stay, whatever their names.
    let mine = [
        "out/src/generated/mine.rs",
        "out/src/generated/mod.new",
        "out/notes.txt",
        "out/src/main.rs",
    ];
    for file in mine {
        workspace.write(file, "// mine");
    }
    workspace.run(&options).unwrap();
    workspace.run(&workspace.crate_of(&document("single.json"))).unwrap();
    assert!(!workspace.path().join("out/src/generated/groups_and_teams/types.rs").exists());
    for file in mine {
        assert_eq!(fs::read_to_string(workspace.path().join(file)).unwrap(), "// mine", "{file}");
    }
}

#[test]
fn overwrites_edited_files_only_with_force() {
    let workspace = Workspace::new();
    let options = workspace.crate_of(&document("two_groups.json"));
    workspace.run(&options).unwrap();
    let before = below(&workspace.path().join("out"));
    // One file that the next run would write, and one that it would remove.
    workspace.write("out/src/generated/users/types.rs", "// edited");
    assert_snapshot!(workspace.refusal(&options), @r"
    --out: [workspace]/out has generated files that were edited; use --force to overwrite them:
      src/generated/users/types.rs
    ");
    workspace.write("out/src/generated/groups_and_teams/types.rs", "// edited");
    let mut other = workspace.crate_of(&document("single.json"));
    assert!(workspace.refusal(&other).contains("  src/generated/groups_and_teams/types.rs"));
    other.force = true;
    workspace.run(&other).unwrap();
    assert!(!workspace.path().join("out/src/generated/groups_and_teams/types.rs").exists());
    workspace.run(&workspace.crate_of(&document("two_groups.json"))).unwrap();
    assert_eq!(before, below(&workspace.path().join("out")));
}

/// The list of files names none outside the folder.
#[test]
fn rejects_a_manipulated_list_of_files() {
    let workspace = Workspace::new();
    let options = workspace.crate_of(&document("single.json"));
    workspace.write("out/.codegen-files", "0123  ../new.json\n");
    assert_snapshot!(workspace.refusal(&options), @"[workspace]/out/.codegen-files: `0123  ../new.json` is not an entry of this list; remove the list and the generated files");
}

#[test]
fn notes_are_errors_if_strict() {
    let workspace = Workspace::new();
    let text = document("single.json").replace("definitions/User", "definitions/Gone");
    let mut options = workspace.crate_of(&text);
    options.strict = true;
    assert_snapshot!(workspace.refusal(&options), @r"
    [workspace]/spec.json: codegen can't represent all of the document:
    reference (1): A `$ref` to an unknown target, another file or itself is ignored. As a schema, it is free-form JSON.
      #/paths/~1api~1v2~1users~1{userId}/get/responses/200/schema: `$ref` to `#/definitions/Gone`
    ");
    options.strict = false;
    options.notes = Some(workspace.path().join("notes.jsonl"));
    workspace.run(&options).unwrap();
    let notes = fs::read_to_string(workspace.path().join("notes.jsonl")).unwrap();
    let notes = notes.replace(&workspace.path().display().to_string(), "[workspace]");
    assert_snapshot!(notes, @r##"{"rule":"reference","file":"[workspace]/spec.json","pointer":"/paths/~1api~1v2~1users~1{userId}/get/responses/200/schema","note":"`$ref` to `#/definitions/Gone`"}"##);

    // The pinned document is always strict.
    workspace.write(
        "new.json",
        &document("mended.json").replacen("\"type\": \"string\"", "\"type\": \"any\"", 1),
    );
    let error = codegen::pin(workspace.path(), &workspace.path().join("new.json")).unwrap_err();
    assert!(format!("{error:#}").contains("unknown-type (1)"), "{error:#}");
}
