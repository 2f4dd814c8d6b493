//! Profiles of the config file.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use genesys_cloud_mock::MockOrg;
use tempfile::tempdir;

use crate::{Outcome, run_in};

const SECRET: &str = "GENESYS_CLOUD_CLIENT_SECRET";

/// Writes the config file with a profile for this org and where its secret is.
fn configure(folder: &Path, org: &MockOrg, secret: &str, mode: u32) {
    let text = format!(
        "[profiles.prod]\napi_url = \"{0}\"\nlogin_url = \"{0}\"\nclient_id = \"{1}\"\n{secret}\n",
        org.url(),
        org.client_id()
    );
    let path = folder.join("config.toml");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Runs a command with the config file and other variables.
async fn with(folder: &Path, variables: &[(&str, &str)], words: &[&str]) -> Outcome {
    let path = folder.join("config.toml").display().to_string();
    let mut environment =
        vec![("GENESYS_CLOUD_CONFIG", path), ("PATH", "/usr/bin:/bin".to_owned())];
    environment.extend(variables.iter().map(|(name, value)| (*name, (*value).to_owned())));
    run_in(&environment, None, folder, words).await
}

#[tokio::test]
async fn the_secret_comes_from_a_file_a_command_or_a_private_config() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, format!("{}\n", org.client_secret())).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    for (secret, mode) in [
        ("client_secret_file = \"secret\"".to_owned(), 0o644),
        (format!("client_secret_command = \"cat '{}'\"", file.display()), 0o644),
        (format!("client_secret = \"{}\"", org.client_secret()), 0o600),
    ] {
        configure(folder.path(), &org, &secret, mode);
        let shown = with(folder.path(), &[], &["whoami", "--profile", "prod"]).await;
        let first = shown.done().lines().next().unwrap();
        assert!(first.starts_with("profile       prod ("), "{}", shown.out);
        assert!(first.ends_with("config.toml)"), "{}", shown.out);
        assert!(!shown.out.contains(&org.client_secret()), "{}", shown.out);
        let profile = [("GENESYS_CLOUD_PROFILE", "prod")];
        let exported = with(folder.path(), &profile, &["export", "routing.queues"]).await;
        assert_eq!(exported.done().lines().count(), 100);
    }
}

#[tokio::test]
async fn finds_the_config_file_of_the_user() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let below = folder.path().join("genesys-cloud");
    std::fs::create_dir(&below).unwrap();
    configure(&below, &org, "", 0o644);
    let environment = [
        ("XDG_CONFIG_HOME", folder.path().display().to_string()),
        ("HOME", "/nowhere".to_owned()),
        (SECRET, org.client_secret()),
    ];
    let shown = run_in(&environment, None, folder.path(), &["whoami", "--profile", "prod"]).await;
    assert!(shown.done().contains("genesys-cloud/config.toml"), "{}", shown.out);
}

#[tokio::test]
async fn variables_override_the_profile_with_a_notice() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    configure(folder.path(), &org, "client_secret_command = \"false\"", 0o644);
    let secret = org.client_secret();
    let variables = [(SECRET, secret.as_str())];
    let shown = with(folder.path(), &variables, &["whoami", "--profile", "prod"]).await;
    assert!(shown.done().contains("overridden    by GENESYS_CLOUD_CLIENT_SECRET"), "{}", shown.out);
    let notice = "GENESYS_CLOUD_CLIENT_SECRET overrides the profile prod\n";
    assert!(shown.err.starts_with(notice), "{}", shown.err);
    assert!(!shown.err.contains(&org.client_secret()), "{}", shown.err);
}

#[tokio::test]
async fn a_profile_that_can_not_be_used_makes_no_call() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "hidden").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    for (secret, mode, profile, part) in [
        ("client_secret = \"hidden\"", 0o644, "prod", "config.toml:5:17: other users can read"),
        ("client_secret = \"hidden\"", 0o640, "prod", "run chmod 600 "),
        ("client_secret_file = \"secret\"", 0o600, "prod", "other users can read this secret"),
        ("client_secret_file = \"none\"", 0o600, "prod", "can't read "),
        ("client_secret_command = \"false hidden\"", 0o600, "prod", "`false` failed with exit"),
        ("client_secret = hidden", 0o600, "prod", "config.toml:5:17: "),
        ("client_secrets = \"hidden\"", 0o600, "prod", "did you mean `client_secret`?"),
        ("client_secret = \"hidden\"", 0o600, "prd", "did you mean `prod`?"),
        ("", 0o600, "prod", "set GENESYS_CLOUD_CLIENT_SECRET"),
    ] {
        configure(folder.path(), &org, secret, mode);
        for words in [&["whoami"][..], &["export", "routing.queues", "--out", "q.jsonl"]] {
            let words: Vec<&str> = words.iter().copied().chain(["--profile", profile]).collect();
            let refused = with(folder.path(), &[], &words).await;
            assert_eq!(refused.code, Some(2), "{secret}: {}", refused.err);
            assert!(refused.err.contains(part), "{secret}: {}", refused.err);
            assert!(!refused.err.contains("hidden"), "{secret}: {}", refused.err);
        }
    }
    std::fs::remove_file(folder.path().join("config.toml")).unwrap();
    let refused = with(folder.path(), &[], &["whoami", "--profile", "prod"]).await;
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("GENESYS_CLOUD_CONFIG names another"), "{}", refused.err);
    assert_eq!(org.request_count(), 0);
}

#[tokio::test]
async fn the_fake_org_needs_no_profile() {
    let folder = tempdir().unwrap();
    let refused = with(folder.path(), &[], &["--org", "mock", "whoami", "--profile", "prod"]).await;
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("does not apply to `--org mock`"), "{}", refused.err);
    let profile = [("GENESYS_CLOUD_PROFILE", "prod")];
    with(folder.path(), &profile, &["--org", "mock", "whoami"]).await.done();
}
