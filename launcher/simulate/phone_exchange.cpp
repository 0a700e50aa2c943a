// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/simulate/phone_exchange.h"

namespace dragoman {

int PhoneExchange::on_external_media(const SimulatedChannel& channel) {
  const Media& media =
      media_[channel.id] = {std::make_shared<RtpPhone>(), channel.external_host, channel.format};
  return media.phone->port();
}

void PhoneExchange::on_bridge_changed(const SimulatedBridge& bridge) {
  const Media* media = nullptr;
  std::string caller;
  for (const std::string& id : bridge.channels) {
    const auto found = media_.find(id);
    if (found == media_.end()) {
      caller = id;
    } else {
      media = &found->second;
    }
  }
  if (!media || caller.empty() || phone(caller) == media->phone.get()) return;
  if (!media->phone->start(media->host, media->format)) {
    g_warning("a simulated phone cannot send %s to %s", media->format.c_str(), media->host.c_str());
    return;
  }
  phones_[caller] = media->phone;
}

void PhoneExchange::on_channel_gone(const SimulatedChannel& channel) {
  if (RtpPhone* gone = phone(channel.id)) gone->stop();
  const auto media = media_.find(channel.id);
  if (media == media_.end()) return;
  media->second.phone->stop();
  media_.erase(media);
}

RtpPhone* PhoneExchange::phone(const std::string& channel_id) const {
  const auto found = phones_.find(channel_id);
  return found == phones_.end() ? nullptr : found->second.get();
}

}  // namespace dragoman
