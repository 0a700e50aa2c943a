// SPDX-License-Identifier: LGPL-2.1-or-later
// What a call's things are called. Names in Asterisk begin with the application's, so that what a
// lost launcher left behind is known as ours.
#pragma once

#include <string>

namespace dragoman::names {

/// The channel (plugins/speech/channel.h) on which a party's words are published.
inline std::string speech_channel(const std::string& trace_id, const std::string& extension) {
  return trace_id + "-" + extension;
}
/// The extension of the party that publishes on `channel`; empty when it is not of this trace.
inline std::string extension_of(const std::string& trace_id, const std::string& channel) {
  return channel.starts_with(trace_id + "-") ? channel.substr(trace_id.size() + 1) : std::string();
}
inline std::string media_prefix(const std::string& application) {
  return "em-" + application + ".";
}
inline std::string bridge_prefix(const std::string& application) {
  return "br-" + application + ".";
}
/// A pipeline: the party, and which time it is in the trace that this extension is called (1, …).
inline std::string leg(const std::string& trace_id, const std::string& extension, int number) {
  return trace_id + "-" + extension + (number > 1 ? "." + std::to_string(number) : "");
}

}  // namespace dragoman::names
