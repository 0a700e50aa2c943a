// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/ari/json.h"

namespace dragoman::json {
namespace {

bool too_deep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

}  // namespace

NodePtr parse(std::string_view text) {
  if (text.empty() || too_deep(text) ||
      !g_utf8_validate(text.data(), static_cast<gssize>(text.size()), nullptr))
    return nullptr;
  g_autoptr(JsonParser) parser = json_parser_new_immutable();
  if (!json_parser_load_from_data(parser, text.data(), static_cast<gssize>(text.size()), nullptr))
    return nullptr;
  JsonNode* root = json_parser_get_root(parser);
  return NodePtr(root ? json_node_ref(root) : nullptr);
}

JsonObject* object(JsonNode* node) {
  return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : nullptr;
}

JsonArray* array(JsonNode* node) {
  return node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : nullptr;
}

JsonObject* member(JsonObject* from, const char* name) {
  return from ? object(json_object_get_member(from, name)) : nullptr;
}

std::string text(JsonObject* from, const char* name) {
  JsonNode* node = from ? json_object_get_member(from, name) : nullptr;
  if (!node || !JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_STRING)
    return {};
  return json_node_get_string(node);
}

int64_t integer(JsonObject* from, const char* name, int64_t otherwise) {
  JsonNode* node = from ? json_object_get_member(from, name) : nullptr;
  if (!node || !JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_INT64)
    return otherwise;
  return json_node_get_int(node);
}

}  // namespace dragoman::json
