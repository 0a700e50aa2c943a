// SPDX-License-Identifier: LGPL-2.1-or-later
// Gives the channels of a simulated exchange their audio.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "launcher/simulate/rtp_phone.h"
#include "launcher/simulate/switchboard.h"

namespace dragoman {

/// Once a phone's channel and an external-media channel are in one bridge, that phone's audio flows
/// between them; until one of the two is gone.
class PhoneExchange : public SwitchboardListener {
 public:
  void on_event(const std::string&) override {}
  int on_external_media(const SimulatedChannel& channel) override;
  void on_bridge_changed(const SimulatedBridge& bridge) override;
  void on_channel_gone(const SimulatedChannel& channel) override;

  /// The phone of a channel that a call was placed on, also after its end; null until its audio
  /// flows.
  RtpPhone* phone(const std::string& channel_id) const;

 private:
  struct Media {
    std::shared_ptr<RtpPhone> phone;
    std::string host, format;
  };
  std::map<std::string, Media> media_;                       ///< by external-media channel
  std::map<std::string, std::shared_ptr<RtpPhone>> phones_;  ///< by the phone's channel
};

}  // namespace dragoman
