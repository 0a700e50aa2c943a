// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/plugins/ari/media_lab.h"

#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>

#include "plugins/common/readings.h"
#include "tests/plugins/ari/tone.h"

namespace dragoman::testing {

void Metronome::until(double ms) const {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable never;
  while (now_ms() < ms) {
    never.wait_for(lock, std::chrono::duration<double, std::milli>(ms - now_ms()));
  }
}

// The peer.

Peer::Peer(const char* host) : host_(host) {
  GObjectPtr<GSocketAddress> any(g_inet_socket_address_new_from_string(host, 0));
  socket_.reset(g_socket_new(g_socket_address_get_family(any.get()), G_SOCKET_TYPE_DATAGRAM,
                             G_SOCKET_PROTOCOL_UDP, nullptr));
  EXPECT_TRUE(g_socket_bind(socket_.get(), any.get(), FALSE, nullptr)) << host;
  GObjectPtr<GSocketAddress> bound(g_socket_get_local_address(socket_.get(), nullptr));
  port_ = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound.get()));
}

void Peer::send_bytes(std::span<const uint8_t> bytes, int to_port) {
  GObjectPtr<GSocketAddress> to(
      g_inet_socket_address_new_from_string("127.0.0.1", static_cast<guint>(to_port)));
  g_socket_send_to(socket_.get(), to.get(), reinterpret_cast<const char*>(bytes.data()),
                   bytes.size(), nullptr, nullptr);
}

std::vector<uint8_t> Peer::tone_payload(int index) {
  const PayloadInfo& info = payload_info(format);
  if (!encoder_) encoder_.emplace(format);
  const size_t packet = info.sample_rate / 50;
  for (int i = static_cast<int>(coded_.size()); i <= index; ++i) {
    encoder_->encode(tone(tone_hz, info.sample_rate, static_cast<size_t>(i) * packet, packet),
                     coded_[i]);
  }
  return coded_[index];
}

void Peer::send(int index, int to_port) {
  const PayloadInfo& info = payload_info(format);
  const std::vector<uint8_t> body = payload ? payload(index) : tone_payload(index);
  std::vector<uint8_t> bytes(kRtpHeaderSize);
  write_rtp_header(
      {.payload_type = payload_type.value_or(info.received_type),
       .sequence = static_cast<uint16_t>(first_sequence + index),
       .timestamp = first_timestamp + static_cast<uint32_t>(index) * info.clock_rate / 50,
       .ssrc = ssrc},
      std::span<uint8_t, kRtpHeaderSize>(bytes.data(), kRtpHeaderSize));
  bytes.insert(bytes.end(), body.begin(), body.end());
  send_bytes(bytes, to_port);
}

std::vector<Peer::Received> Peer::receive(
    const std::function<bool(const std::vector<Received>&)>& enough) {
  std::vector<Received> all;
  const Metronome waited;
  while (!enough(all) && waited.now_ms() < std::chrono::milliseconds(kDeadline).count()) {
    if (!g_socket_condition_timed_wait(socket_.get(), G_IO_IN, 100'000, nullptr, nullptr)) continue;
    uint8_t bytes[2000];
    GSocketAddress* from = nullptr;
    const gssize size = g_socket_receive_from(socket_.get(), &from, reinterpret_cast<char*>(bytes),
                                              sizeof bytes, nullptr, nullptr);
    GObjectPtr<GSocketAddress> sender(from);
    const auto header = parse_rtp({bytes, static_cast<size_t>(std::max<gssize>(size, 0))});
    if (!header) {
      ADD_FAILURE() << "received something that is no RTP";
      continue;
    }
    all.push_back({since_.now_ms(), g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(from)),
                   *header, std::vector<uint8_t>(bytes + header->payload_offset, bytes + size)});
  }
  return all;
}

// The line.

Line::Line(const std::string& launch) {
  GError* failure = nullptr;
  pipeline_.reset(gst_parse_launch(launch.c_str(), &failure));
  ErrorPtr error(failure);
  if (error) throw std::runtime_error(error->message);
  bus_.reset(gst_element_get_bus(pipeline_.get()));
  GstObjectPtr<GstElement> in(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "in"));
  GstObjectPtr<GstPad> pad(in ? gst_element_get_static_pad(in.get(), "src") : nullptr);
  if (!pad) return;
  const auto mask =
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM);
  gst_pad_add_probe(pad.get(), mask, on_data, this, nullptr);
}

Line::~Line() { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }

bool Line::set_state(GstState state) {
  return gst_element_set_state(pipeline_.get(), state) != GST_STATE_CHANGE_FAILURE &&
         gst_element_get_state(pipeline_.get(), nullptr, nullptr, 5 * GST_SECOND) !=
             GST_STATE_CHANGE_FAILURE;
}

void Line::play() { EXPECT_TRUE(set_state(GST_STATE_PLAYING)) << message(GST_MESSAGE_ERROR); }

GstElement* Line::element(const char* name) const {
  GstObjectPtr<GstElement> found(gst_bin_get_by_name(GST_BIN(pipeline_.get()), name));
  return found.get();  // the pipeline keeps it
}

int Line::port() const {
  int port = 0;
  g_object_get(element(), "port", &port, nullptr);
  return port;
}

GstStructure* Line::stats(const char* name) const {
  GstStructure* stats = nullptr;
  g_object_get(element(name), "stats", &stats, nullptr);
  return stats;
}

double Line::stat(const char* field, const char* name) const {
  const StructurePtr all(stats(name));
  const GValue* value = gst_structure_get_value(all.get(), field);
  if (!value) {
    ADD_FAILURE() << "no " << field << " in the statistics";
    return -1;
  }
  GValue number = G_VALUE_INIT;
  g_value_init(&number, G_TYPE_DOUBLE);
  g_value_transform(value, &number);
  return g_value_get_double(&number);
}

bool Line::stat_reaches(const char* field, double value, const char* name) {
  return wait([&](const auto&) { return stat(field, name) >= value; });
}

bool Line::wait(const std::function<bool(const std::vector<Frame>&)>& done) {
  std::unique_lock lock(mutex_);
  return came_.wait_for(lock, kDeadline, [&] { return done(frames_); });
}

std::vector<Line::Frame> Line::frames() {
  const std::lock_guard lock(mutex_);
  return frames_;
}

std::vector<int16_t> Line::heard() {
  std::vector<int16_t> all;
  for (const Frame& frame : frames()) {
    all.insert(all.end(), frame.samples.begin(), frame.samples.end());
  }
  return all;
}

std::vector<double> Line::readings(const std::string& key) {
  const std::lock_guard lock(mutex_);
  return readings_[key];
}

bool Line::has_readings(const std::string& key, size_t count) {
  return wait([&](const auto&) { return readings_[key].size() >= count; });
}

bool Line::total_reaches(const std::string& key, double total) {
  return wait([&](const auto&) {
    const std::vector<double>& all = readings_[key];
    return std::accumulate(all.begin(), all.end(), 0.0) >= total;
  });
}

double Line::reading_total(const std::string& key) {
  const std::vector<double> all = readings(key);
  return std::accumulate(all.begin(), all.end(), 0.0);
}

std::string Line::message(GstMessageType type, const char* name) {
  const Metronome waited;
  while (waited.now_ms() < std::chrono::milliseconds(kDeadline).count()) {
    GstMessage* message = gst_bus_timed_pop_filtered(bus_.get(), 100 * GST_MSECOND, type);
    if (!message) continue;
    const std::unique_ptr<GstMessage, Deleter<gst_message_unref>> owned(message);
    if (name && !gst_message_has_name(message, name)) continue;
    GError* failure = nullptr;
    if (type == GST_MESSAGE_ERROR) gst_message_parse_error(message, &failure, nullptr);
    if (type == GST_MESSAGE_WARNING) gst_message_parse_warning(message, &failure, nullptr);
    const ErrorPtr error(failure);
    if (error) return error->message;
    const GstStructure* structure = gst_message_get_structure(message);
    return structure ? CharPtr(gst_structure_to_string(structure)).get()
                     : GST_MESSAGE_TYPE_NAME(message);
  }
  return "";
}

int Line::count_messages(GstMessageType type) {
  int count = 0;
  while (GstMessage* message = gst_bus_pop_filtered(bus_.get(), type)) {
    gst_message_unref(message);
    ++count;
  }
  return count;
}

GstPadProbeReturn Line::on_data(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* self = static_cast<Line*>(data);
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    self->take(GST_PAD_PROBE_INFO_BUFFER(info));
  } else {
    const std::lock_guard lock(self->mutex_);
    take_readings(GST_PAD_PROBE_INFO_EVENT(info),
                  [&](const char* key, double value) { self->readings_[key].push_back(value); });
  }
  return GST_PAD_PROBE_OK;
}

void Line::take(GstBuffer* buffer) {
  GstMapInfo map;
  gst_buffer_map(buffer, &map, GST_MAP_READ);
  const auto* first = reinterpret_cast<const int16_t*>(map.data);
  Frame frame{GST_BUFFER_PTS(buffer),
              GST_BUFFER_DURATION(buffer),
              gst_element_get_current_running_time(pipeline_.get()),
              GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_GAP) != 0,
              GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT) != 0,
              {first, first + map.size / 2}};
  gst_buffer_unmap(buffer, &map);
  const std::lock_guard lock(mutex_);
  frames_.push_back(std::move(frame));
  came_.notify_all();
}

void expect_unbroken(const std::vector<Line::Frame>& frames) {
  for (size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(frames[i].duration, frames[i].samples.size() * GST_SECOND / 16000) << "frame " << i;
    if (i == 0) continue;
    EXPECT_EQ(frames[i].pts, frames[i - 1].pts + frames[i - 1].duration) << "frame " << i;
    EXPECT_FALSE(frames[i].discont) << "frame " << i;
  }
}

}  // namespace dragoman::testing
