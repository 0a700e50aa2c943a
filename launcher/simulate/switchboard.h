// SPDX-License-Identifier: LGPL-2.1-or-later
// The channels and bridges of a telephone exchange that only exists in memory, with the events
// Asterisk 22 would tell an ARI application about them. No network, no audio. One thread.
#pragma once

#include <json-glib/json-glib.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace dragoman {

struct JsonObjectUnref {
  void operator()(JsonObject* object) const { json_object_unref(object); }
};
using JsonObjectPtr = std::unique_ptr<JsonObject, JsonObjectUnref>;

/// `object` as JSON text on one line.
std::string json_text(JsonObject* object);

struct SimulatedChannel {
  std::string id, name;
  std::string state = "Ring";  ///< "Ring", then "Up"
  std::string extension;       ///< dialled; empty for external media
  std::string caller;          ///< the caller's number
  bool external = false;       ///< external media, not a phone
  bool in_stasis = false;
  bool subscribed = false;  ///< ChannelDestroyed is told
  std::string bridge;       ///< empty outside
  std::string external_host, format;
  int media_port = 0;  ///< where an external channel takes RTP, on 127.0.0.1
  std::map<std::string, std::string> variables;
};

struct SimulatedBridge {
  std::string id, name, type = "mixing";
  std::vector<std::string> channels;
};

/// What happens in the exchange.
class SwitchboardListener {
 public:
  virtual ~SwitchboardListener() = default;
  /// An event as ARI sends it, JSON.
  virtual void on_event(const std::string& json) = 0;
  /// An external-media channel is being made; answers the port on 127.0.0.1 where it takes RTP.
  virtual int on_external_media(const SimulatedChannel&) { return 0; }
  /// The channels of a bridge are others than before.
  virtual void on_bridge_changed(const SimulatedBridge&) {}
  virtual void on_channel_answered(const SimulatedChannel&) {}
  /// `channel` is about to be forgotten.
  virtual void on_channel_gone(const SimulatedChannel&) {}
};

/// The exchange's state and what can be done to it. Operations answer the HTTP status that Asterisk
/// would, 200 or 204 if done.
class Switchboard {
 public:
  Switchboard(std::string application, SwitchboardListener& listener)
      : application_(std::move(application)), listener_(listener) {}

  const std::map<std::string, SimulatedChannel>& channels() const { return channels_; }
  const std::map<std::string, SimulatedBridge>& bridges() const { return bridges_; }
  const SimulatedChannel* channel(const std::string& id) const;
  const SimulatedBridge* bridge(const std::string& id) const;
  const std::string& application() const { return application_; }

  /// A phone dials `extension`: a channel that enters the application. Its id.
  std::string dial(const std::string& extension, const std::string& caller);
  /// The phone, or the network, ends a channel.
  void hang_up(const std::string& channel_id);

  int answer(const std::string& channel_id);
  /// The application ends a channel.
  int remove_channel(const std::string& channel_id);
  /// Makes the channel; it enters the application with enter(), later.
  int add_external_media(const std::string& channel_id, const std::string& host,
                         const std::string& format);
  /// A channel enters the application: StasisStart. Without one of that id nothing happens.
  void enter(const std::string& channel_id);
  int subscribe(const std::string& channel_id);
  int set_variable(const std::string& channel_id, const std::string& name,
                   const std::string& value);

  void set_global_variable(const std::string& name, const std::string& value) {
    global_variables_[name] = value;
  }
  /// Empty when it was never set.
  std::string global_variable(const std::string& name) const;
  void tell_user_event(const std::string& name,
                       const std::map<std::string, std::string>& variables);

  int add_bridge(const std::string& id, const std::string& name, const std::string& type);
  int remove_bridge(const std::string& id);
  int join(const std::string& bridge_id, const std::string& channel_id);
  int leave(const std::string& bridge_id, const std::string& channel_id);

  JsonObjectPtr describe(const SimulatedChannel& channel) const;
  JsonObjectPtr describe(const SimulatedBridge& bridge) const;
  /// An event of `type` with its common fields.
  JsonObjectPtr new_event(const char* type) const;

 private:
  void tell(JsonObjectPtr event);
  void tell_channel(const char* type, const SimulatedChannel& channel,
                    const SimulatedBridge* bridge = nullptr);
  void leave_bridge(SimulatedChannel& channel);
  void end(const std::string& channel_id);

  const std::string application_;
  SwitchboardListener& listener_;
  std::map<std::string, SimulatedChannel> channels_;
  std::map<std::string, SimulatedBridge> bridges_;
  std::map<std::string, std::string> global_variables_;
  int next_ = 1;
};

}  // namespace dragoman
