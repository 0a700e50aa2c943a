// SPDX-License-Identifier: LGPL-2.1-or-later
// What the tests of ariudpsrc and ariudpsink need: a peer with a real UDP socket, and a pipeline
// whose audio, readings and messages are kept.
#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "plugins/ari/payload.h"
#include "plugins/ari/rtp_packet.h"
#include "plugins/common/handles.h"

namespace dragoman::testing {

/// How long a test waits for what must happen.
inline constexpr std::chrono::seconds kDeadline{20};

/// Waits on the system clock for successive times, as a sender with a crystal of its own would.
class Metronome {
 public:
  Metronome() : start_(g_get_monotonic_time()) {}
  /// Returns `ms` after the start.
  void until(double ms) const;
  double now_ms() const { return static_cast<double>(g_get_monotonic_time() - start_) / 1000; }

 private:
  gint64 start_;
};

/// Asterisk's end of an external media channel.
class Peer {
 public:
  struct Received {
    double at_ms;  ///< since the peer was made
    guint16 from_port;
    RtpHeader header;
    std::vector<uint8_t> payload;
  };

  explicit Peer(const char* host = "127.0.0.1");
  guint16 port() const { return port_; }
  std::string address() const { return host_ + ":" + std::to_string(port_); }

  void send_bytes(std::span<const uint8_t> bytes, int to_port);
  /// Packet `index` of the stream below: 20 ms of a tone, or of what `payload` gives.
  void send(int index, int to_port);
  /// What came until `enough` says so, or the deadline.
  std::vector<Received> receive(const std::function<bool(const std::vector<Received>&)>& enough);

  // The stream that send() sends.
  PayloadFormat format = PayloadFormat::kSlin16;
  uint32_t ssrc = 0x1001;
  uint16_t first_sequence = 65500;
  uint32_t first_timestamp = 0xfffffe00;
  std::optional<uint8_t> payload_type;
  double tone_hz = 440;
  std::function<std::vector<uint8_t>(int index)> payload;

 private:
  std::vector<uint8_t> tone_payload(int index);

  std::string host_;
  Metronome since_;
  GObjectPtr<GSocket> socket_;
  guint16 port_ = 0;
  std::map<int, std::vector<uint8_t>> coded_;  // the tone, coded once and in order
  std::optional<PayloadEncoder> encoder_;
};

/// A pipeline from a launch line with an ariudpsrc named "in".
class Line {
 public:
  struct Frame {
    GstClockTime pts, duration, running_at;
    bool gap, discont;
    std::vector<int16_t> samples;
  };

  explicit Line(const std::string& launch);
  ~Line();

  /// To PLAYING; ADD_FAILUREs if that fails.
  void play();
  bool set_state(GstState state);

  GstElement* element(const char* name = "in") const;
  int port() const;
  GstStructure* stats(const char* name = "in") const;
  /// Field of the stats as a number.
  double stat(const char* field, const char* name = "in") const;
  /// Whether `field` reaches `value` before the deadline.
  bool stat_reaches(const char* field, double value, const char* name = "in");

  /// Whether `done` comes true before the deadline; it is asked after each frame.
  bool wait(const std::function<bool(const std::vector<Frame>&)>& done);
  std::vector<Frame> frames();
  /// All samples so far.
  std::vector<int16_t> heard();
  double reading_total(const std::string& key);
  std::vector<double> readings(const std::string& key);
  /// Whether there are `count` readings of `key` before the deadline, or they sum up to `total`.
  bool has_readings(const std::string& key, size_t count);
  bool total_reaches(const std::string& key, double total);

  /// The next message of `type` (and, for elements' messages, of that name); its text, empty if
  /// none came before the deadline.
  std::string message(GstMessageType type, const char* name = nullptr);
  /// How many messages of `type` wait.
  int count_messages(GstMessageType type);

 private:
  static GstPadProbeReturn on_data(GstPad*, GstPadProbeInfo* info, gpointer self);
  void take(GstBuffer* buffer);

  GstObjectPtr<GstElement> pipeline_;
  GstObjectPtr<GstBus> bus_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<Frame> frames_;
  std::map<std::string, std::vector<double>> readings_;
};

/// Fails the test if frames do not follow each other without a gap.
void expect_unbroken(const std::vector<Line::Frame>& frames);

}  // namespace dragoman::testing
