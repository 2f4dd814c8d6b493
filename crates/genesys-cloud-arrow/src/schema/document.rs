//! Types of columns from definitions of the API document.

use std::collections::HashSet;

use genesys_cloud_catalogue::{Catalogue, Kind, Schema};

use super::names::{snake_case, unique};
use super::{Integers, Names, SchemaOptions};
use crate::shape::{FieldShape, Shape};

/// The deepest nesting, so that decoding needs little stack.
const DEEPEST: usize = 48;

/// The most nodes of a schema before it is cut. The widest record of the document has 40,000.
const MOST_NODES: usize = 200_000;

/// Returns the type of a schema. What is too deep or too large is JSON text.
pub(super) fn shape(catalogue: &Catalogue, schema: &Schema, options: &SchemaOptions) -> Shape {
    let mut depth = DEEPEST;
    loop {
        let mut reader = Reader { catalogue, options, within: Vec::new(), nodes: MOST_NODES };
        match reader.shape(schema, depth) {
            Some(shape) => return shape,
            None => depth -= 1,
        }
    }
}

struct Reader<'a> {
    catalogue: &'a Catalogue,
    options: &'a SchemaOptions,
    /// The definitions around the current one.
    within: Vec<&'a str>,
    /// The number of nodes that may follow.
    nodes: usize,
}

impl<'a> Reader<'a> {
    /// Returns `None` if the tree has too many nodes.
    fn shape(&mut self, schema: &'a Schema, depth: usize) -> Option<Shape> {
        self.nodes = self.nodes.checked_sub(1)?;
        let Some(name) = schema.reference.as_deref() else { return self.inline(schema, depth) };
        let definition = self.catalogue.definition(name);
        let Some(definition) = definition.filter(|_| !self.within.contains(&name)) else {
            return Some(Shape::Json);
        };
        self.within.push(name);
        let shape = self.shape(definition, depth);
        self.within.pop();
        shape
    }

    fn inline(&mut self, schema: &'a Schema, depth: usize) -> Option<Shape> {
        let is_nested = !schema.properties.is_empty()
            || schema.items.is_some()
            || schema.additional_properties.is_some();
        if is_nested && depth <= 1 {
            return Some(Shape::Json);
        }
        if !schema.properties.is_empty() {
            return self.fields(&schema.properties, depth - 1).map(Shape::Struct);
        }
        if let Some(element) = &schema.items {
            return Some(Shape::List(Box::new(self.shape(element, depth - 1)?)));
        }
        if let Some(value) = &schema.additional_properties {
            return Some(Shape::Map(Box::new(self.shape(value, depth - 1)?)));
        }
        Some(match (schema.kind, schema.format.as_deref()) {
            (Some(Kind::Boolean), _) => Shape::Boolean,
            (Some(Kind::Integer), Some("int32"))
                if self.options.integers == Integers::Documented =>
            {
                Shape::Int32
            }
            (Some(Kind::Integer), _) => Shape::Int64,
            (Some(Kind::Number), _) => Shape::Double,
            (Some(Kind::String), Some("date-time")) => Shape::Timestamp,
            (Some(Kind::String), Some("local-date-time")) => Shape::LocalTimestamp,
            (Some(Kind::String), Some("date")) => Shape::Date,
            (Some(Kind::String), _) => Shape::Text,
            _ => Shape::Json,
        })
    }

    fn fields(
        &mut self,
        properties: &'a [(String, Schema)],
        depth: usize,
    ) -> Option<Vec<FieldShape>> {
        let mut known = HashSet::new();
        let mut fields = Vec::with_capacity(properties.len());
        for (api, schema) in properties {
            let name = match self.options.names {
                Names::Api => api.clone(),
                Names::Snake => snake_case(api),
            };
            fields.push(FieldShape {
                api: api.clone(),
                name: unique(name, &mut known),
                description: schema.description.clone(),
                shape: self.shape(schema, depth)?,
            });
        }
        Some(fields)
    }
}
