// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/simulate/rtp_phone.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>

#include "launcher/simulate/heard_track.h"

namespace dragoman {
namespace {

using namespace simulate;

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPacket{20};
constexpr size_t kSamplesPerPacket = 320;  // at 16 kHz, what play() takes
constexpr size_t kMaxPacketBytes = 2048;

std::optional<sockaddr_in> parse_host(const std::string& text) {
  const size_t colon = text.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (colon == std::string::npos) return {};
  const int port = std::atoi(text.c_str() + colon + 1);
  if (port <= 0 || port > 65535) return {};
  if (::inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) return {};
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

/// 16 kHz samples at the format's rate: pairs are averaged for 8 kHz.
std::vector<int16_t> at_rate(std::span<const int16_t> samples, int rate) {
  if (rate == 16000) return {samples.begin(), samples.end()};
  std::vector<int16_t> half;
  for (size_t i = 0; i + 1 < samples.size(); i += 2) {
    half.push_back(static_cast<int16_t>((samples[i] + samples[i + 1]) / 2));
  }
  return half;
}

}  // namespace

struct RtpPhone::Impl {
  Impl() {
    socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (socket_ < 0 || ::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      const std::string reason = std::strerror(errno);
      if (socket_ >= 0) ::close(socket_);
      throw std::runtime_error("no UDP port for a simulated phone: " + reason);
    }
    port_ = ntohs(address.sin_port);
  }

  ~Impl() {
    stop();
    ::close(socket_);
  }

  bool start(const std::string& host, const std::string& format) {
    const std::optional<sockaddr_in> peer = parse_host(host);
    format_ = find_rtp_format(format);
    if (!peer || !format_ || thread_.joinable()) return false;
    peer_ = *peer;
    started_ = last_sound_ = Clock::now();
    stopping_ = false;
    thread_ = std::thread([this] { run(); });
    return true;
  }

  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }

  // The phone's thread.

  void run() {
    pthread_setname_np(pthread_self(), "rtp-phone");
    std::random_device random;
    sequence_ = static_cast<uint16_t>(random());
    timestamp_ = random();
    ssrc_ = random();
    for (Clock::time_point next = started_; !stopping_; next += kPacket) {
      send_packet();
      receive_until(next + kPacket);
    }
  }

  void send_packet() {
    std::array<int16_t, kSamplesPerPacket> samples{};
    {
      std::lock_guard lock(mutex_);
      const size_t count = std::min(samples.size(), to_play_.size());
      const auto end = to_play_.begin() + static_cast<std::ptrdiff_t>(count);
      std::copy(to_play_.begin(), end, samples.begin());
      to_play_.erase(to_play_.begin(), end);
      ++counters_.sent;
    }
    const std::vector<int16_t> converted = at_rate(samples, format_->sample_rate);
    const std::vector<uint8_t> packet =
        make_rtp(*format_, sequence_++, timestamp_, ssrc_, converted);
    timestamp_ += static_cast<uint32_t>(converted.size());
    // Nobody listening yet is no error for a sender of RTP.
    ::sendto(socket_, packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&peer_),
             sizeof peer_);
  }

  void receive_until(Clock::time_point end) {
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(end - Clock::now());
      if (left.count() <= 0) return;
      const timespec wait{0, static_cast<long>(left.count())};
      pollfd readable{socket_, POLLIN, 0};
      if (::ppoll(&readable, 1, &wait, nullptr) > 0) receive();
    }
  }

  void receive() {
    std::array<uint8_t, kMaxPacketBytes> data;
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const ssize_t bytes =
        ::recvfrom(socket_, data.data(), data.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (bytes < 0) return;
    const Clock::time_point now = Clock::now();
    const bool from_peer =
        from.sin_addr.s_addr == peer_.sin_addr.s_addr && from.sin_port == peer_.sin_port;
    const std::optional<RtpPacket> packet =
        from_peer ? parse_rtp({data.data(), static_cast<size_t>(bytes)}) : std::nullopt;
    std::lock_guard lock(mutex_);
    if (!packet || !track_.add(*packet, now - started_)) {
      ++counters_.refused;
      return;
    }
    ++counters_.received;
    if (track_.last_was_sound()) {
      last_sound_ = now;
      has_sound_ = true;
    }
  }

  int socket_ = -1, port_ = 0;
  sockaddr_in peer_{};
  const simulate::RtpFormat* format_ = nullptr;
  uint16_t sequence_ = 0;
  uint32_t timestamp_ = 0, ssrc_ = 0;
  Clock::time_point started_ = Clock::now();
  std::atomic<bool> stopping_ = false;
  std::thread thread_;

  mutable std::mutex mutex_;  // guards what follows
  std::deque<int16_t> to_play_;
  simulate::HeardTrack track_;
  Clock::time_point last_sound_ = Clock::now();
  bool has_sound_ = false;
  RtpPhoneCounters counters_;
};

RtpPhone::RtpPhone() : impl_(std::make_unique<Impl>()) {}

RtpPhone::~RtpPhone() = default;

int RtpPhone::port() const { return impl_->port_; }

bool RtpPhone::start(const std::string& host, const std::string& format) {
  return impl_->start(host, format);
}

void RtpPhone::stop() { impl_->stop(); }

void RtpPhone::play(const std::vector<int16_t>& samples) {
  std::lock_guard lock(impl_->mutex_);
  impl_->to_play_.insert(impl_->to_play_.end(), samples.begin(), samples.end());
}

bool RtpPhone::is_silent() const {
  std::lock_guard lock(impl_->mutex_);
  return impl_->to_play_.empty();
}

std::chrono::steady_clock::duration RtpPhone::heard_silence() const {
  std::lock_guard lock(impl_->mutex_);
  return Clock::now() - impl_->last_sound_;
}

bool RtpPhone::has_heard_sound() const {
  std::lock_guard lock(impl_->mutex_);
  return impl_->has_sound_;
}

HeardAudio RtpPhone::heard() const {
  std::lock_guard lock(impl_->mutex_);
  return impl_->track_.audio();
}

RtpPhoneCounters RtpPhone::counters() const {
  std::lock_guard lock(impl_->mutex_);
  return impl_->counters_;
}

}  // namespace dragoman
