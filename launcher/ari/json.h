// SPDX-License-Identifier: LGPL-2.1-or-later
// JSON from a peer that need not be who it says: bounded, and read without trusting its types.
#pragma once

#include <json-glib/json-glib.h>

#include <memory>
#include <string>
#include <string_view>

namespace dragoman::json {

struct NodeFree {
  void operator()(JsonNode* node) const { json_node_unref(node); }
};
using NodePtr = std::unique_ptr<JsonNode, NodeFree>;

/// Deeper nesting than this is refused: the parser recurses.
inline constexpr int kMaxDepth = 32;

/// Null when `text` is not JSON, or nested deeper than kMaxDepth.
NodePtr parse(std::string_view text);

/// The object in `node`, or null.
JsonObject* object(JsonNode* node);
/// The array in `node`, or null.
JsonArray* array(JsonNode* node);
/// A member that is an object, or null. `from` may be null.
JsonObject* member(JsonObject* from, const char* name);
/// A member that is a string, or "". `from` may be null.
std::string text(JsonObject* from, const char* name);
/// A member that is a number, or `otherwise`.
int64_t integer(JsonObject* from, const char* name, int64_t otherwise = 0);

}  // namespace dragoman::json
