// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/query/sorted_json.h"

#include <json-glib/json-glib.h>

#include <map>

#include "launcher/util/json.h"

namespace dragoman {
namespace {

std::string text_of_node(JsonNode* node);

std::string text_of_object(JsonObject* object) {
  std::map<std::string, std::string> members;
  JsonObjectIter iter;
  const char* name = nullptr;
  JsonNode* node = nullptr;
  json_object_iter_init(&iter, object);
  while (json_object_iter_next(&iter, &name, &node)) members[name] = text_of_node(node);
  std::string text = "{";
  for (const auto& [key, value] : members)
    text += (text.size() > 1 ? "," : "") + json_string(key) + ":" + value;
  return text + "}";
}

std::string text_of_array(JsonArray* array) {
  std::string text = "[";
  for (guint i = 0; i < json_array_get_length(array); ++i)
    text += (i ? "," : "") + text_of_node(json_array_get_element(array, i));
  return text + "]";
}

std::string text_of_value(JsonNode* node) {
  switch (json_node_get_value_type(node)) {
    case G_TYPE_BOOLEAN:
      return json_node_get_boolean(node) ? "true" : "false";
    case G_TYPE_INT64:
      return std::to_string(json_node_get_int(node));
    case G_TYPE_DOUBLE:
      return json_number(json_node_get_double(node));
    default:
      return json_string(json_node_get_string(node));
  }
}

std::string text_of_node(JsonNode* node) {
  switch (json_node_get_node_type(node)) {
    case JSON_NODE_OBJECT:
      return text_of_object(json_node_get_object(node));
    case JSON_NODE_ARRAY:
      return text_of_array(json_node_get_array(node));
    case JSON_NODE_VALUE:
      return text_of_value(node);
    default:
      return "null";
  }
}

}  // namespace

std::string sorted_json(const std::string& text) {
  g_autoptr(JsonNode) root = json_from_string(text.c_str(), nullptr);
  return root ? text_of_node(root) : json_string(text);
}

}  // namespace dragoman
