// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/simulate/ari_routes.h"

#include <functional>

namespace dragoman {
namespace {

AriReply refuse(int status, const std::string& message) {
  JsonObjectPtr body(json_object_new());
  json_object_set_string_member(body.get(), "message", message.c_str());
  return {status, json_text(body.get())};
}

AriReply found(const JsonObjectPtr& object) { return {200, json_text(object.get())}; }

/// `status` of an operation as a reply; failures get Asterisk's words.
AriReply outcome(int status, const char* not_found) {
  if (status == 204) return {204, ""};
  if (status == 404) return refuse(404, not_found);
  if (status == 400) return refuse(400, "Channel not found");
  if (status == 422) return refuse(422, "Channel not in Stasis application");
  return refuse(500, "Internal Server Error");
}

template <typename Items>
AriReply list(const Switchboard& switchboard, const Items& items) {
  std::string text = "[";
  for (const auto& [id, item] : items) {
    if (text.size() > 1) text += ',';
    text += json_text(switchboard.describe(item).get());
  }
  return {200, text + "]"};
}

std::string parameter(const AriRequest& request, const char* name) {
  const auto value = request.parameters.find(name);
  return value == request.parameters.end() ? std::string() : value->second;
}

JsonObjectPtr describe_application(const Switchboard& switchboard) {
  JsonObjectPtr object(json_object_new());
  json_object_set_string_member(object.get(), "name", switchboard.application().c_str());
  for (const char* name :
       {"channel_ids", "bridge_ids", "endpoint_ids", "device_names", "events_allowed"}) {
    json_object_set_array_member(object.get(), name, json_array_new());
  }
  JsonArray* channels = json_object_get_array_member(object.get(), "channel_ids");
  for (const auto& [id, channel] : switchboard.channels()) {
    if (channel.in_stasis) json_array_add_string_element(channels, id.c_str());
  }
  return object;
}

AriReply handle_asterisk(Switchboard& switchboard, const AriRequest& request) {
  if (request.path.size() == 2 && request.path[1] == "variable") {
    const std::string name = parameter(request, "variable");
    if (request.method == "POST") {
      switchboard.set_global_variable(name, parameter(request, "value"));
      return {204, ""};
    }
    JsonObjectPtr body(json_object_new());
    json_object_set_string_member(body.get(), "value", switchboard.global_variable(name).c_str());
    return found(body);
  }
  if (request.method == "GET" && request.path.size() == 2 && request.path[1] == "info") {
    return {200, R"({"build":{"os":"Linux"},"system":{"version":"22.0.0-simulated",)"
                 R"("entity_id":"00:00:5e:00:53:01"},"config":{"name":"simulated"},"status":{}})"};
  }
  if (request.method == "GET" && request.path.size() == 2 && request.path[1] == "ping") {
    return {200, R"({"ping":"pong","asterisk_id":"00:00:5e:00:53:01"})"};
  }
  return refuse(404, "Invalid method");
}

/// POST /events/user/NAME?application=… with {"variables":{…}}: an event to the application.
AriReply handle_user_event(Switchboard& switchboard, const AriRequest& request) {
  if (request.method != "POST" || request.path.size() != 3 || request.path[1] != "user") {
    return refuse(404, "Invalid method");
  }
  if (parameter(request, "application") != switchboard.application()) {
    return refuse(404, "Application not found");
  }
  switchboard.tell_user_event(request.path[2], request.variables);
  return {204, ""};
}

AriReply handle_applications(Switchboard& switchboard, const AriRequest& request, bool registered) {
  const size_t parts = request.path.size();
  if (request.method == "GET" && parts == 1) {
    if (!registered) return {200, "[]"};
    return {200, "[" + json_text(describe_application(switchboard).get()) + "]"};
  }
  if (parts < 2 || !registered || request.path[1] != switchboard.application()) {
    return refuse(404, "Application not found");
  }
  if (request.method == "GET" && parts == 2) return found(describe_application(switchboard));
  if (request.method == "POST" && parts == 3 && request.path[2] == "subscription") {
    const std::string source = parameter(request, "eventSource");
    if (source.rfind("channel:", 0) != 0) return refuse(400, "Invalid event source scheme");
    if (switchboard.subscribe(source.substr(8)) != 200) {
      return refuse(422, "Event source does not exist");
    }
    return found(describe_application(switchboard));
  }
  return refuse(404, "Invalid method");
}

AriReply add_external_media(Switchboard& switchboard, const AriRequest& request) {
  const std::string id = parameter(request, "channelId");
  if (parameter(request, "app") != switchboard.application()) {
    return refuse(404, "Application not found");
  }
  const int status = switchboard.add_external_media(id, parameter(request, "external_host"),
                                                    parameter(request, "format"));
  if (status != 200) return refuse(500, "Internal Server Error");
  return {200, json_text(switchboard.describe(*switchboard.channel(id)).get()), id};
}

AriReply handle_variable(Switchboard& switchboard, const AriRequest& request) {
  const std::string& id = request.path[1];
  const std::string name = parameter(request, "variable");
  if (request.method == "POST") {
    return outcome(switchboard.set_variable(id, name, parameter(request, "value")),
                   "Channel not found");
  }
  const SimulatedChannel* channel = switchboard.channel(id);
  if (!channel) return refuse(404, "Channel not found");
  const auto value = channel->variables.find(name);
  if (value == channel->variables.end()) {
    return refuse(404, "Provided variable was not found");
  }
  JsonObjectPtr body(json_object_new());
  json_object_set_string_member(body.get(), "value", value->second.c_str());
  return found(body);
}

AriReply handle_channels(Switchboard& switchboard, const AriRequest& request) {
  constexpr char kNotFound[] = "Channel not found";
  const size_t parts = request.path.size();
  const bool get = request.method == "GET", post = request.method == "POST";
  if (parts == 1 && get) return list(switchboard, switchboard.channels());
  if (parts == 2 && post && request.path[1] == "externalMedia") {
    return add_external_media(switchboard, request);
  }
  if (parts == 2 && get) {
    const SimulatedChannel* channel = switchboard.channel(request.path[1]);
    return channel ? found(switchboard.describe(*channel)) : refuse(404, kNotFound);
  }
  if (parts == 2 && request.method == "DELETE") {
    return outcome(switchboard.remove_channel(request.path[1]), kNotFound);
  }
  if (parts == 3 && request.path[2] == "variable") return handle_variable(switchboard, request);
  if (parts == 3 && post && request.path[2] == "answer") {
    return outcome(switchboard.answer(request.path[1]), kNotFound);
  }
  if (parts == 3 && post && request.path[2] == "continue") {
    return outcome(switchboard.remove_channel(request.path[1]), kNotFound);
  }
  if (parts == 3 && request.path[2] == "ring") {
    return switchboard.channel(request.path[1]) ? AriReply{204, ""} : refuse(404, kNotFound);
  }
  return refuse(404, "Invalid method");
}

AriReply add_bridge(Switchboard& switchboard, const AriRequest& request) {
  std::string id = request.path.size() == 2 ? request.path[1] : parameter(request, "bridgeId");
  if (id.empty()) {
    g_autofree char* made = g_uuid_string_random();
    id = made;
  }
  switchboard.add_bridge(id, parameter(request, "name"), parameter(request, "type"));
  return found(switchboard.describe(*switchboard.bridge(id)));
}

/// addChannel and removeChannel: the parameter names one or more channels, with commas.
AriReply move_channels(Switchboard& switchboard, const AriRequest& request) {
  const bool add = request.path[2] == "addChannel";
  g_auto(GStrv) ids = g_strsplit(parameter(request, "channel").c_str(), ",", -1);
  int status = 400;
  for (char** id = ids; *id; ++id) {
    status = add ? switchboard.join(request.path[1], *id) : switchboard.leave(request.path[1], *id);
    if (status != 204) break;
  }
  return outcome(status, "Bridge not found");
}

AriReply handle_bridges(Switchboard& switchboard, const AriRequest& request) {
  const size_t parts = request.path.size();
  const bool get = request.method == "GET", post = request.method == "POST";
  if (parts == 1 && get) return list(switchboard, switchboard.bridges());
  if (parts <= 2 && post) return add_bridge(switchboard, request);
  if (parts == 2 && get) {
    const SimulatedBridge* bridge = switchboard.bridge(request.path[1]);
    return bridge ? found(switchboard.describe(*bridge)) : refuse(404, "Bridge not found");
  }
  if (parts == 2 && request.method == "DELETE") {
    return outcome(switchboard.remove_bridge(request.path[1]), "Bridge not found");
  }
  if (parts == 3 && post &&
      (request.path[2] == "addChannel" || request.path[2] == "removeChannel")) {
    return move_channels(switchboard, request);
  }
  return refuse(404, "Invalid method");
}

}  // namespace

AriReply handle_ari_request(Switchboard& switchboard, const AriRequest& request, bool registered) {
  // An application that lost its client stays known while calls are in it.
  registered = registered || !switchboard.channels().empty();
  const std::string resource = request.path.empty() ? "" : request.path[0];
  if (resource == "asterisk") return handle_asterisk(switchboard, request);
  if (resource == "events") return handle_user_event(switchboard, request);
  if (resource == "applications") return handle_applications(switchboard, request, registered);
  if (resource == "channels") return handle_channels(switchboard, request);
  if (resource == "bridges") return handle_bridges(switchboard, request);
  return refuse(404, "Resource not found");
}

}  // namespace dragoman
