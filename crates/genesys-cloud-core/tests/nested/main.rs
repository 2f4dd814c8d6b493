//! Lists of lists, against a scripted server on loopback.

mod model;
#[allow(dead_code, reason = "shared with the tests of the client")]
#[path = "../client/server.rs"]
mod server;
mod trees;

use genesys_cloud_core::{
    Checkpoint, Client, ListSpec, Method, Nested, Operation, PageSize, Paginator, Request, Scheme,
};
use serde_json::{Value, json};

use crate::server::{Answer, Received, Server};

/// Queues, the members of each, and the skills of each member. Members are named by their queue: `1-0` is the first one
/// of queue 1.
#[derive(Clone, Debug)]
struct Org {
    /// How many members each queue has.
    members: Vec<usize>,
    /// How many skills each member has.
    skills: usize,
}

impl Org {
    fn of(members: &[usize]) -> Self {
        Self { members: members.to_vec(), skills: 0 }
    }

    /// All members, in order.
    fn all(&self) -> Vec<String> {
        let queues = self.members.iter().enumerate();
        queues
            .flat_map(|(queue, count)| (0..*count).map(move |at| format!("{queue}-{at}")))
            .collect()
    }

    async fn serve(self) -> Server {
        self.serve_but(|_, _| None).await
    }

    /// Answers otherwise where this does so: by the number of a request, from 0, and the request.
    async fn serve_but(
        self,
        mut other: impl FnMut(usize, &Received) -> Option<Answer> + Send + 'static,
    ) -> Server {
        let mut count = 0;
        Server::start(move |request| {
            count += 1;
            other(count - 1, request).unwrap_or_else(|| self.answer(request))
        })
        .await
    }

    fn answer(&self, request: &Received) -> Answer {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let number = |name: &str| -> usize {
            let value =
                query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            value.and_then(|value| value.parse().ok()).expect("a number")
        };
        let words: Vec<&str> = path.split('/').skip(1).collect();
        let ids: Vec<String> = match *words.as_slice() {
            ["queues"] => (0..self.members.len()).map(|queue| queue.to_string()).collect(),
            ["queues", queue, "members"] => {
                let queue: usize = queue.parse().expect("a queue");
                (0..self.members[queue]).map(|at| format!("{queue}-{at}")).collect()
            }
            ["members", member, "skills"] => {
                (0..self.skills).map(|at| format!("{member}-{at}")).collect()
            }
            _ => return Answer::json(404, r#"{"status":404,"code":"not.found"}"#),
        };
        let (page, size) = (number("pageNumber"), number("pageSize"));
        let entities = ids.iter().skip((page - 1) * size).take(size);
        let entities: Vec<Value> = entities.map(|id| json!({ "id": id })).collect();
        let pages = ids.len().div_ceil(size);
        let body = json!({
            "entities": entities, "total": ids.len(), "pageCount": pages, "pageNumber": page, "pageSize": size,
        });
        Answer::json(200, &body.to_string())
    }
}

fn client(server: &Server) -> Client {
    let client = Client::builder().api_url(server.url()).access_token("token").max_retries(0);
    client.build().expect("a client")
}

fn list(
    client: &Client,
    id: &'static str,
    path: &'static str,
    value: Option<(&'static str, &str)>,
) -> Paginator<Value> {
    let mut request = Request::new(Operation::new(id, Method::Get, path));
    if let Some((name, value)) = value {
        request.set_path(name, value);
    }
    Paginator::from_request(client, request, numbered())
}

/// Pages by number, as most lists of the API.
fn numbered() -> ListSpec {
    let size = PageSize::integer("pageSize").at_most(100);
    ListSpec::new(Scheme::PageNumber, "entities").with_page_size(size)
}

fn queues(client: &Client) -> Paginator<Value> {
    list(client, "getQueues", "/queues", None).page_size(2)
}

fn members_of(client: &Client, queue: &Value) -> Paginator<Value> {
    let queue = queue["id"].as_str().expect("an id");
    list(client, "getMembers", "/queues/{queueId}/members", Some(("queueId", queue))).page_size(3)
}

/// The members of all queues.
fn members(client: &Client) -> Nested<Value, Value> {
    let of = client.clone();
    queues(client).nest(move |queue| members_of(&of, queue))
}

fn reloaded(checkpoint: &Checkpoint) -> Checkpoint {
    let text = serde_json::to_string(checkpoint).expect("JSON");
    serde_json::from_str(&text).expect("a checkpoint")
}

fn id(item: &Value) -> String {
    item["id"].as_str().expect("an id").to_owned()
}

/// The ids of the rest of the items, up to the end.
async fn rest(nested: &mut Nested<Value, Value>) -> Vec<String> {
    let mut ids = Vec::new();
    while let Some(member) = nested.try_next().await.expect("an item") {
        let (parent, item) = (id(&member.parent), id(&member.item));
        assert!(item.starts_with(&format!("{parent}-")), "{item} of {parent}");
        ids.push(item);
    }
    ids
}
