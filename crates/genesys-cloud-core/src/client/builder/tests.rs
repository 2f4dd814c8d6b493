use super::*;
use crate::error::ErrorKind;
use crate::region::Region;

fn built(vars: &[(&str, &str)]) -> Result<Client, Error> {
    ClientBuilder::from_vars(|name| {
        let (_, value) = vars.iter().find(|(known, _)| *known == name)?;
        Some((*value).to_owned())
    })
    .build()
}

#[test]
fn builds_a_client_from_variables() {
    const LOGIN: [(&str, &str); 2] = [(CLIENT_ID, "id"), (CLIENT_SECRET, "secret")];
    for (vars, api_url, auth) in [
        (
            [&[(REGION, "eu-west-1")], LOGIN.as_slice()].concat(),
            "https://api.mypurecloud.ie",
            r#"ClientCredentials("id")"#,
        ),
        (
            [&[(REGION, " mypurecloud.de\n"), (ACCESS_TOKEN, " ")], LOGIN.as_slice()].concat(),
            "https://api.mypurecloud.de",
            r#"ClientCredentials("id")"#,
        ),
        (
            [&[(REGION, "us_east_1"), (ACCESS_TOKEN, "token")], LOGIN.as_slice()].concat(),
            "https://api.mypurecloud.com",
            "AccessToken",
        ),
        (
            [&[(REGION, "us_east_1"), (API_URL, "https://gw.example.com/g/")], LOGIN.as_slice()]
                .concat(),
            "https://gw.example.com/g",
            r#"ClientCredentials("id")"#,
        ),
        (
            [
                &[(API_URL, "https://gw.example.com"), (LOGIN_URL, "http://[::1]:81")],
                LOGIN.as_slice(),
            ]
            .concat(),
            "https://gw.example.com",
            r#"ClientCredentials("id")"#,
        ),
        (
            vec![(API_URL, "http://127.0.0.1:8080"), (ACCESS_TOKEN, "token")],
            "http://127.0.0.1:8080",
            "AccessToken",
        ),
    ] {
        let client = built(&vars).expect("a client");
        assert_eq!(client.api_url(), api_url);
        assert_eq!(format!("{:?}", client.0.auth), auth);
    }
}

#[test]
fn lists_all_missing_and_invalid_variables() {
    let choices = Region::choices();
    let no_region = format!(
        "the region is missing or blank: set GENESYS_CLOUD_REGION (or call `region`) to one of {choices}"
    );
    let wrong_region = format!(
        "GENESYS_CLOUD_REGION (or `region`) is \"eu-wst-1\": unknown region; expected one of {choices}"
    );
    let no_id =
        "the client id is missing or blank: set GENESYS_CLOUD_CLIENT_ID (or call `credentials`)";
    let no_secret = "the client secret is missing or blank: set GENESYS_CLOUD_CLIENT_SECRET (or \
                     call `credentials`)";
    let no_credentials = "the credentials are missing or blank: set GENESYS_CLOUD_CLIENT_ID and \
                          GENESYS_CLOUD_CLIENT_SECRET (or call `credentials`), or \
                          GENESYS_CLOUD_ACCESS_TOKEN (or call `access_token`)";
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
    let cases: [Case<'_>; 9] = [
        (&[], &[&no_region, no_credentials]),
        (&[(REGION, " "), (CLIENT_ID, ""), (CLIENT_SECRET, "\t")], &[&no_region, no_credentials]),
        (&[(REGION, "eu-wst-1"), (CLIENT_ID, "id")], &[&wrong_region, no_secret]),
        (&[(REGION, "eu-west-1"), (CLIENT_SECRET, "secret")], &[no_id]),
        (&[(REGION, "eu-west-1"), (CLIENT_ID, "id"), (CLIENT_SECRET, " ")], &[no_secret]),
        (&[(REGION, "eu-west-1")], &[no_credentials]),
        (&[(API_URL, "https://gw.example.com")], &[&no_region, no_credentials]),
        (&[(LOGIN_URL, "https://gw.example.com"), (ACCESS_TOKEN, "token")], &[&no_region]),
        (
            &[(REGION, "eu-wst-1"), (API_URL, "http://gw.example.com"), (ACCESS_TOKEN, "a\nb")],
            &[
                &wrong_region,
                "the URL of GENESYS_CLOUD_API_URL (or `api_url`): it must start with https://; http is allowed on this \
                 machine and for `allow_insecure_host`",
                "GENESYS_CLOUD_ACCESS_TOKEN (or `access_token`) has an invalid character",
            ],
        ),
    ];
    for (vars, problems) in cases {
        let error = built(vars).expect_err("problems");
        assert_eq!(error.kind(), ErrorKind::Config);
        let expected = format!("the client can't be built:\n- {}", problems.join("\n- "));
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn the_last_setting_applies() {
    let vars = |name: &str| (name == ACCESS_TOKEN).then(|| "token".to_owned());
    let builder = ClientBuilder::<Client>::from_vars(vars).region(Region::EuWest1);
    let client = builder.credentials("id", "secret").build().expect("a client");
    assert_eq!(format!("{:?}", client.0.auth), r#"ClientCredentials("id")"#);

    let builder = Client::builder().region("eu-wst-1").region(Region::EuWest2);
    let client = builder.credentials("id", "secret").access_token("token").build();
    assert_eq!(format!("{:?}", client.expect("a client").0.auth), "AccessToken");
}

#[test]
fn rejects_invalid_settings() {
    let builder = || Client::builder().region(Region::EuWest1).access_token("token");
    for (builder, problem) in [
        (builder().timeout(Duration::ZERO), "`timeout` must be more than zero"),
        (builder().connect_timeout(Duration::ZERO), "`connect_timeout` must be more than zero"),
        (builder().read_timeout(Duration::ZERO), "`read_timeout` must be more than zero"),
        (
            builder().max_requests_per_second(0.0),
            "`max_requests_per_second` must be more than zero",
        ),
        (
            builder().max_requests_per_second(f64::NAN),
            "`max_requests_per_second` must be more than zero",
        ),
        (builder().max_concurrent_requests(0), "`max_concurrent_requests` must be more than zero"),
        (builder().user_agent("a\nb"), "`user_agent` has a character that HTTP does not allow"),
        (
            builder().proxy("proxy"),
            "the URL of `proxy`: expected a URL such as http://proxy.example.com:3128",
        ),
    ] {
        let error = builder.build().expect_err(problem);
        assert!(error.to_string().contains(problem), "{error}");
    }
}
