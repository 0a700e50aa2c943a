// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/ari/events.h"

#include <cstdlib>

namespace dragoman::ari {
namespace {

constexpr unsigned kMaxArguments = 16;

std::vector<std::string> strings(JsonObject* from, const char* name, unsigned limit) {
  std::vector<std::string> result;
  JsonArray* list = from ? json::array(json_object_get_member(from, name)) : nullptr;
  const unsigned count = list ? std::min(json_array_get_length(list), limit) : 0;
  for (unsigned i = 0; i < count; ++i) {
    JsonNode* node = json_array_get_element(list, i);
    const bool is_text =
        JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING;
    result.emplace_back(is_text ? json_node_get_string(node) : "");
  }
  return result;
}

/// An event about a channel: nothing without the channel's id.
template <typename Made>
std::optional<Event> about_channel(JsonObject* event, Made make) {
  Channel channel = parse_channel(json::member(event, "channel"));
  if (channel.id.empty()) return std::nullopt;
  return make(std::move(channel));
}

}  // namespace

Channel parse_channel(JsonObject* from) {
  JsonObject* dialplan = json::member(from, "dialplan");
  JsonObject* variables = json::member(from, "channelvars");
  return {.id = json::text(from, "id"),
          .name = json::text(from, "name"),
          .state = json::text(from, "state"),
          .dialplan_application = json::text(dialplan, "app_name"),
          .dialplan_data = json::text(dialplan, "app_data"),
          .caller = json::text(json::member(from, "caller"), "number"),
          .local_address = json::text(variables, "UNICASTRTP_LOCAL_ADDRESS"),
          .local_port = std::atoi(json::text(variables, "UNICASTRTP_LOCAL_PORT").c_str())};
}

Bridge parse_bridge(JsonObject* from) {
  return {json::text(from, "id"), strings(from, "channels", 1000)};
}

std::optional<Event> parse_event(std::string_view text) {
  const json::NodePtr root = json::parse(text);
  JsonObject* event = json::object(root.get());
  const std::string type = json::text(event, "type");
  const int cause = static_cast<int>(json::integer(event, "cause"));
  if (type.empty()) return std::nullopt;
  if (type == "StasisStart")
    return about_channel(event, [&](Channel channel) {
      return StasisStart{std::move(channel), strings(event, "args", kMaxArguments)};
    });
  if (type == "StasisEnd")
    return about_channel(event, [](Channel channel) { return StasisEnd{std::move(channel)}; });
  if (type == "ChannelHangupRequest")
    return about_channel(event, [&](Channel channel) {
      return ChannelHangupRequest{std::move(channel), cause};
    });
  if (type == "ChannelDestroyed")
    return about_channel(event, [&](Channel channel) {
      return ChannelDestroyed{std::move(channel), cause, json::text(event, "cause_txt")};
    });
  if (type == "ChannelLeftBridge")
    return about_channel(event, [&](Channel channel) {
      return ChannelLeftBridge{std::move(channel), parse_bridge(json::member(event, "bridge"))};
    });
  if (type == "BridgeDestroyed") {
    Bridge bridge = parse_bridge(json::member(event, "bridge"));
    if (bridge.id.empty()) return std::nullopt;
    return BridgeDestroyed{std::move(bridge)};
  }
  if (type == "ApplicationReplaced") return ApplicationReplaced{};
  if (type == "ChannelUserevent")
    return UserEvent{json::text(event, "eventname"),
                     json::text(json::member(event, "userevent"), "nonce")};
  return OtherEvent{type};
}

}  // namespace dragoman::ari
