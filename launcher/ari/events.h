// SPDX-License-Identifier: LGPL-2.1-or-later
// ARI's events as types: those that a call needs, the rest only by name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "launcher/ari/json.h"

namespace dragoman::ari {

struct Channel {
  std::string id, name, state;
  std::string dialplan_application, dialplan_data;  ///< "Stasis", "dragoman,3333"
  std::string caller;                               ///< the caller's number
  std::string local_address;  ///< UNICASTRTP_LOCAL_ADDRESS of an external-media channel
  int local_port = 0;         ///< UNICASTRTP_LOCAL_PORT
};

struct Bridge {
  std::string id;
  std::vector<std::string> channels;
};

struct StasisStart {
  Channel channel;
  std::vector<std::string> arguments;
};
struct StasisEnd {
  Channel channel;
};
struct ChannelHangupRequest {
  Channel channel;
  int cause = 0;  ///< Q.850
};
struct ChannelDestroyed {
  Channel channel;
  int cause = 0;  ///< Q.850
  std::string cause_text;
};
struct BridgeDestroyed {
  Bridge bridge;
};
struct ChannelLeftBridge {
  Channel channel;
  Bridge bridge;
};
/// Another client took the application's events.
struct ApplicationReplaced {};
/// POST /events/user/NAME
struct UserEvent {
  std::string name, nonce;
};
struct OtherEvent {
  std::string type;
};

using Event =
    std::variant<StasisStart, StasisEnd, ChannelHangupRequest, ChannelDestroyed, BridgeDestroyed,
                 ChannelLeftBridge, ApplicationReplaced, UserEvent, OtherEvent>;

/// Nothing when `text` is not an event of ARI (no JSON object with a type, or one that lacks what
/// its type must have).
std::optional<Event> parse_event(std::string_view text);

/// A channel or bridge as the REST interface answers it; without id when malformed.
Channel parse_channel(JsonObject* from);
Bridge parse_bridge(JsonObject* from);

}  // namespace dragoman::ari
