// SPDX-License-Identifier: LGPL-2.1-or-later
// A speaker on a channel and the messages of a listener, for the tests of ttssrc and captionsrc.
#pragma once

#include <gst/gst.h>

#include <chrono>
#include <string>
#include <vector>

#include "plugins/common/handles.h"
#include "plugins/common/pipeline_clock.h"
#include "plugins/speech/channel.h"

namespace dragoman::testing {

using MessagePtr = std::unique_ptr<GstMessage, Deleter<gst_message_unref>>;

/// Publishes clauses whose speech ended `ago` before now.
class Talker {
 public:
  explicit Talker(std::string channel, std::string language = "en")
      : channel_(std::move(channel)), language_(std::move(language)) {}

  std::shared_ptr<const Clause> say(const std::string& text,
                                    std::chrono::milliseconds ago = std::chrono::milliseconds(0)) {
    auto clause = std::make_shared<Clause>();
    clause->channel = channel_;
    clause->utterance = 1'700'000'000'000'000;
    clause->clause = next_++;
    clause->text = text;
    clause->language = language_;
    clause->committed_utc = utc_now_ns();
    clause->end_utc = clause->committed_utc - static_cast<uint64_t>(ago.count()) * 1'000'000;
    clause->start_utc = clause->end_utc - 1'000'000'000;
    Channels::instance().publish(clause);
    return clause;
  }
  void end() { Channels::instance().end(channel_); }

 private:
  std::string channel_, language_;
  unsigned next_ = 0;
};

/// Messages of `type` on `bus`, one after the other.
inline MessagePtr next_message(GstBus* bus, GstMessageType type,
                               GstClockTime timeout = 10 * GST_SECOND) {
  return MessagePtr(gst_bus_timed_pop_filtered(bus, timeout, type));
}

/// The next element message named `name`; null: none within `timeout`. Others before it are lost.
inline MessagePtr next_element_message(GstBus* bus, const char* name,
                                       GstClockTime timeout = 10 * GST_SECOND) {
  while (auto message = next_message(bus, GST_MESSAGE_ELEMENT, timeout)) {
    if (gst_message_has_name(message.get(), name)) return message;
  }
  return nullptr;
}

inline std::string text_field(const MessagePtr& message, const char* field) {
  const char* text = gst_structure_get_string(gst_message_get_structure(message.get()), field);
  return text ? text : "(absent)";
}

inline double number_field(const MessagePtr& message, const char* field) {
  double number = -1;
  gst_structure_get_double(gst_message_get_structure(message.get()), field, &number);
  return number;
}

inline uint64_t count_field(const MessagePtr& message, const char* field) {
  guint64 count = 0;
  gst_structure_get_uint64(gst_message_get_structure(message.get()), field, &count);
  return count;
}

/// The text of an error or warning message.
inline std::string error_text(const MessagePtr& message) {
  GError* error = nullptr;
  if (!message) return "(no message)";
  if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ERROR) {
    gst_message_parse_error(message.get(), &error, nullptr);
  } else {
    gst_message_parse_warning(message.get(), &error, nullptr);
  }
  const std::string text = error->message;
  g_error_free(error);
  return text;
}

}  // namespace dragoman::testing
