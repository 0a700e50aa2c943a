// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/simulate/switchboard.h"

#include <algorithm>
#include <utility>

namespace dragoman {
namespace {

constexpr int kOk = 200, kDone = 204, kNotFound = 404, kNotInApplication = 422, kFailed = 500;

void set(JsonObject* object, const char* name, const std::string& value) {
  json_object_set_string_member(object, name, value.c_str());
}

void set(JsonObject* object, const char* name, JsonObjectPtr value) {
  json_object_set_object_member(object, name, value.release());
}

JsonObjectPtr party(const std::string& number) {
  JsonObjectPtr object(json_object_new());
  set(object.get(), "name", "");
  set(object.get(), "number", number);
  return object;
}

/// Now as ARI writes times: ms and a numeric zone.
std::string ari_time() {
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  g_autofree char* seconds = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S");
  g_autofree char* text =
      g_strdup_printf("%s.%03d+0000", seconds, g_date_time_get_microsecond(now) / 1000);
  return text;
}

}  // namespace

std::string json_text(JsonObject* object) {
  g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), object);
  g_autofree char* text = json_to_string(node, FALSE);
  return text;
}

const SimulatedChannel* Switchboard::channel(const std::string& id) const {
  const auto found = channels_.find(id);
  return found == channels_.end() ? nullptr : &found->second;
}

const SimulatedBridge* Switchboard::bridge(const std::string& id) const {
  const auto found = bridges_.find(id);
  return found == bridges_.end() ? nullptr : &found->second;
}

std::string Switchboard::dial(const std::string& extension, const std::string& caller) {
  SimulatedChannel channel;
  const int number = next_++;
  g_autofree char* id =
      g_strdup_printf("%" G_GINT64_FORMAT ".%d", g_get_real_time() / G_USEC_PER_SEC, number);
  g_autofree char* name = g_strdup_printf("PJSIP/phones-%08x", static_cast<unsigned>(number));
  channel.id = id;
  channel.name = name;
  channel.extension = extension;
  channel.caller = caller;
  channels_[channel.id] = channel;
  enter(channel.id);
  return channel.id;
}

void Switchboard::hang_up(const std::string& channel_id) {
  const SimulatedChannel* channel = this->channel(channel_id);
  if (!channel) return;
  JsonObjectPtr event = new_event("ChannelHangupRequest");
  json_object_set_int_member(event.get(), "cause", 16);
  set(event.get(), "channel", describe(*channel));
  tell(std::move(event));
  end(channel_id);
}

int Switchboard::answer(const std::string& channel_id) {
  const auto found = channels_.find(channel_id);
  if (found == channels_.end()) return kNotFound;
  if (std::exchange(found->second.state, "Up") != "Up") {
    tell_channel("ChannelStateChange", found->second);
    listener_.on_channel_answered(found->second);
  }
  return kDone;
}

int Switchboard::remove_channel(const std::string& channel_id) {
  if (!channel(channel_id)) return kNotFound;
  end(channel_id);
  return kDone;
}

int Switchboard::add_external_media(const std::string& channel_id, const std::string& host,
                                    const std::string& format) {
  static const char* const kFormats[] = {"slin16", "slin", "ulaw", "alaw", "g722"};
  const bool known = std::any_of(std::begin(kFormats), std::end(kFormats),
                                 [&format](const char* each) { return format == each; });
  if (!known || channel_id.empty() || channel(channel_id) || host.find(':') == std::string::npos) {
    return kFailed;
  }
  SimulatedChannel channel;
  channel.id = channel_id;
  g_autofree char* name =
      g_strdup_printf("UnicastRTP/%s-%p", host.c_str(), GINT_TO_POINTER(0x7f000000 + next_++));
  channel.name = name;
  channel.state = "Up";
  channel.external = true;
  channel.external_host = host;
  channel.format = format;
  channel.media_port = listener_.on_external_media(channel);
  channel.variables["UNICASTRTP_LOCAL_ADDRESS"] = "127.0.0.1";
  channel.variables["UNICASTRTP_LOCAL_PORT"] = std::to_string(channel.media_port);
  channels_[channel_id] = channel;
  return kOk;
}

void Switchboard::enter(const std::string& channel_id) {
  const auto found = channels_.find(channel_id);
  if (found == channels_.end() || std::exchange(found->second.in_stasis, true)) return;
  JsonObjectPtr event = new_event("StasisStart");
  JsonArray* arguments = json_array_new();
  if (!found->second.extension.empty()) {
    json_array_add_string_element(arguments, found->second.extension.c_str());
  }
  json_object_set_array_member(event.get(), "args", arguments);
  set(event.get(), "channel", describe(found->second));
  tell(std::move(event));
}

int Switchboard::subscribe(const std::string& channel_id) {
  const auto found = channels_.find(channel_id);
  if (found == channels_.end()) return kNotInApplication;
  found->second.subscribed = true;
  return kOk;
}

int Switchboard::set_variable(const std::string& channel_id, const std::string& name,
                              const std::string& value) {
  const auto found = channels_.find(channel_id);
  if (found == channels_.end()) return kNotFound;
  found->second.variables[name] = value;
  return kDone;
}

std::string Switchboard::global_variable(const std::string& name) const {
  const auto found = global_variables_.find(name);
  return found == global_variables_.end() ? std::string() : found->second;
}

void Switchboard::tell_user_event(const std::string& name,
                                  const std::map<std::string, std::string>& variables) {
  JsonObjectPtr event = new_event("ChannelUserevent");
  set(event.get(), "eventname", name);
  JsonObjectPtr told(json_object_new());
  for (const auto& [key, value] : variables) set(told.get(), key.c_str(), value);
  set(told.get(), "eventname", name);
  set(event.get(), "userevent", std::move(told));
  tell(std::move(event));
}

int Switchboard::add_bridge(const std::string& id, const std::string& name,
                            const std::string& type) {
  SimulatedBridge& bridge = bridges_[id];
  const bool is_new = bridge.id.empty();
  bridge.id = id;
  bridge.name = name;
  if (!type.empty()) bridge.type = type;
  if (is_new) {
    JsonObjectPtr event = new_event("BridgeCreated");
    set(event.get(), "bridge", describe(bridge));
    tell(std::move(event));
  }
  return kOk;
}

int Switchboard::remove_bridge(const std::string& id) {
  const auto found = bridges_.find(id);
  if (found == bridges_.end()) return kNotFound;
  while (!found->second.channels.empty()) {
    leave_bridge(channels_.at(found->second.channels.front()));
  }
  JsonObjectPtr event = new_event("BridgeDestroyed");
  set(event.get(), "bridge", describe(found->second));
  bridges_.erase(found);
  tell(std::move(event));
  return kDone;
}

int Switchboard::join(const std::string& bridge_id, const std::string& channel_id) {
  const auto bridge = bridges_.find(bridge_id);
  if (bridge == bridges_.end()) return kNotFound;
  const auto channel = channels_.find(channel_id);
  if (channel == channels_.end()) return 400;
  if (!channel->second.in_stasis) return kNotInApplication;
  if (channel->second.bridge == bridge_id) return kDone;
  leave_bridge(channel->second);
  channel->second.bridge = bridge_id;
  bridge->second.channels.push_back(channel_id);
  tell_channel("ChannelEnteredBridge", channel->second, &bridge->second);
  listener_.on_bridge_changed(bridge->second);
  return kDone;
}

int Switchboard::leave(const std::string& bridge_id, const std::string& channel_id) {
  if (!bridge(bridge_id)) return kNotFound;
  const auto channel = channels_.find(channel_id);
  if (channel == channels_.end()) return 400;
  if (channel->second.bridge != bridge_id) return kNotInApplication;
  leave_bridge(channel->second);
  return kDone;
}

void Switchboard::leave_bridge(SimulatedChannel& channel) {
  const auto bridge = bridges_.find(std::exchange(channel.bridge, {}));
  if (bridge == bridges_.end()) return;
  std::erase(bridge->second.channels, channel.id);
  tell_channel("ChannelLeftBridge", channel, &bridge->second);
  listener_.on_bridge_changed(bridge->second);
}

void Switchboard::end(const std::string& channel_id) {
  SimulatedChannel& channel = channels_.at(channel_id);
  leave_bridge(channel);
  if (channel.in_stasis) tell_channel("StasisEnd", channel);
  if (channel.subscribed) {
    JsonObjectPtr event = new_event("ChannelDestroyed");
    json_object_set_int_member(event.get(), "cause", 16);
    set(event.get(), "cause_txt", "Normal Clearing");
    set(event.get(), "channel", describe(channel));
    tell(std::move(event));
  }
  listener_.on_channel_gone(channel);
  channels_.erase(channel_id);
}

JsonObjectPtr Switchboard::describe(const SimulatedChannel& channel) const {
  JsonObjectPtr object(json_object_new());
  set(object.get(), "id", channel.id);
  set(object.get(), "name", channel.name);
  set(object.get(), "state", channel.state);
  set(object.get(), "caller", party(channel.caller));
  set(object.get(), "connected", party(""));
  set(object.get(), "accountcode", "");
  JsonObjectPtr dialplan(json_object_new());
  set(dialplan.get(), "context", channel.external ? "default" : "phones");
  set(dialplan.get(), "exten", channel.external ? "s" : channel.extension);
  json_object_set_int_member(dialplan.get(), "priority", 1);
  set(dialplan.get(), "app_name", "Stasis");
  set(dialplan.get(), "app_data",
      channel.external ? application_ : application_ + "," + channel.extension);
  set(object.get(), "dialplan", std::move(dialplan));
  set(object.get(), "creationtime", ari_time());
  set(object.get(), "language", "en");
  JsonObjectPtr variables(json_object_new());
  for (const auto& [name, value] : channel.variables) set(variables.get(), name.c_str(), value);
  set(object.get(), "channelvars", std::move(variables));
  return object;
}

JsonObjectPtr Switchboard::describe(const SimulatedBridge& bridge) const {
  JsonObjectPtr object(json_object_new());
  set(object.get(), "id", bridge.id);
  set(object.get(), "name", bridge.name);
  set(object.get(), "technology", "simple_bridge");
  set(object.get(), "bridge_type", bridge.type);
  set(object.get(), "bridge_class", "stasis");
  set(object.get(), "creator", "Stasis");
  JsonArray* channels = json_array_new();
  for (const std::string& id : bridge.channels) json_array_add_string_element(channels, id.c_str());
  json_object_set_array_member(object.get(), "channels", channels);
  return object;
}

JsonObjectPtr Switchboard::new_event(const char* type) const {
  JsonObjectPtr event(json_object_new());
  set(event.get(), "type", type);
  set(event.get(), "timestamp", ari_time());
  set(event.get(), "asterisk_id", "00:00:5e:00:53:01");
  set(event.get(), "application", application_);
  return event;
}

void Switchboard::tell(JsonObjectPtr event) { listener_.on_event(json_text(event.get())); }

void Switchboard::tell_channel(const char* type, const SimulatedChannel& channel,
                               const SimulatedBridge* bridge) {
  JsonObjectPtr event = new_event(type);
  if (bridge) set(event.get(), "bridge", describe(*bridge));
  set(event.get(), "channel", describe(channel));
  tell(std::move(event));
}

}  // namespace dragoman
