// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/calls/session.h"

#include "launcher/calls/names.h"
#include "launcher/util/log.h"

namespace dragoman {
namespace {

constexpr char kTopic[] = "calls";
constexpr int kMaxPortTries = 16;
constexpr int kCauseNetworkOutOfOrder = 38, kCauseCongestion = 34;  // Q.850
/// A pipeline writes its last words and segments when it is stopped; longer than this is too long.
constexpr int kStopTimeoutMs = 10000;

bool says_port_in_use(const std::string& error) {
  return error.find("in use") != std::string::npos || error.find("EADDRINUSE") != std::string::npos;
}

}  // namespace

const char* name_of(SessionState state) {
  constexpr const char* kNames[] = {"starting the pipeline",
                                    "answering",
                                    "making the bridge",
                                    "joining the phone",
                                    "making the media",
                                    "awaiting the media",
                                    "joining the media",
                                    "up",
                                    "ending",
                                    "ended"};
  return kNames[static_cast<int>(state)];
}

Session::Session(Call call, Tools tools) : call_(std::move(call)), tools_(tools) {
  const std::string& application = tools_.config.ari.application;
  media_channel_ = names::media_prefix(application) + call_.leg;
  bridge_ = names::bridge_prefix(application) + call_.leg;
}

double Session::age_ms() const {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began_)
      .count();
}

/// The continuation of a request: the next step, unless the call ends meanwhile or it failed.
ari::ReplyDone Session::then(const char* what, Step step) {
  awaiting_ = true;
  return [weak = weak_from_this(), what, step](const ari::Reply& reply) {
    const auto self = weak.lock();
    if (!self) return;
    self->awaiting_ = false;
    if (self->ending()) return self->tidy();
    if (!reply.ok()) {
      const bool phone_left = reply.status == 404 && self->state_ < SessionState::kMakingMedia;
      return self->end(std::string(what) + " failed: Asterisk answered " + reply.reason() +
                           (phone_left ? " (the caller hung up meanwhile)" : ""),
                       kCauseNetworkOutOfOrder);
    }
    (self.get()->*step)(reply);
  };
}

void Session::start() { start_pipeline(); }

void Session::start_pipeline() {
  const std::optional<int> port = tools_.ports.take(port_tries_ ? 0 : call_.route.port);
  ++port_tries_;
  if (!port)
    return end("no UDP port is free in " + std::to_string(tools_.config.media.first_port) + "-" +
                   std::to_string(tools_.config.media.last_port) +
                   "; widen [media] first-port and last-port",
               kCauseCongestion);
  port_ = *port;
  PipelineRequest request = call_.pipeline;
  request.id = call_.leg;
  request.parameters["port"] = std::to_string(port_);
  // What was turned while a start failed went with it.
  if (call_.knobs) request.knobs = call_.knobs();
  awaiting_ = true;
  tools_.workers.start(request, call_.trace_id,
                       [weak = weak_from_this()](const std::string& error, int bound) {
                         if (const auto self = weak.lock())
                           self->after_pipeline_start(error, bound);
                       });
}

void Session::after_pipeline_start(const std::string& error, int port) {
  awaiting_ = false;
  pipeline_plays_ = error.empty();
  if (ending()) return tidy();
  if (!error.empty() && says_port_in_use(error) && port_tries_ < kMaxPortTries) {
    log::notice(kTopic, "UDP port " + std::to_string(port_) +
                            " is used by another program; the next one is tried");
    tools_.ports.avoid(port_);
    return start_pipeline();
  }
  if (!error.empty()) return end("the pipeline could not start: " + error, kCauseCongestion);
  port_bound_ = port > 0 ? port : port_;
  state_ = SessionState::kAnswering;
  tools_.client.answer(call_.channel, then("answering", &Session::after_answer));
}

void Session::after_answer(const ari::Reply&) {
  times_.answered_ms = age_ms();
  state_ = SessionState::kBridging;
  bridge_asked_ = true;
  tools_.client.create_bridge(bridge_, then("making the bridge", &Session::after_bridge));
}

void Session::after_bridge(const ari::Reply&) {
  state_ = SessionState::kJoiningPhone;
  tools_.client.add_channel(bridge_, call_.channel,
                            then("bridging the phone", &Session::after_phone_joined));
}

void Session::after_phone_joined(const ari::Reply&) {
  state_ = SessionState::kMakingMedia;
  media_asked_ = true;
  tools_.client.external_media(
      media_channel_, tools_.config.media.address + ":" + std::to_string(port_bound_),
      tools_.config.media.format, then("making the media channel", &Session::after_media));
}

void Session::after_media(const ari::Reply& reply) {
  const ari::Channel channel = ari::parse_channel(json::object(reply.body.get()));
  if (channel.local_port > 0) {
    const bool usable = !channel.local_address.empty() && channel.local_address != "0.0.0.0" &&
                        channel.local_address != "::";
    const std::string peer = (usable ? channel.local_address : call_.asterisk_address) + ":" +
                             std::to_string(channel.local_port);
    tools_.workers.set_property(call_.leg, "in", "peer", g_variant_new_string(peer.c_str()));
  }
  if (media_entered_) return join_media();
  state_ = SessionState::kAwaitingMedia;
  timer_.start(tools_.config.ari.timeout_ms, [this] {
    end("the media channel did not come up within " + std::to_string(tools_.config.ari.timeout_ms) +
            " ms",
        kCauseNetworkOutOfOrder);
  });
}

void Session::on_media_entered() {
  media_entered_ = true;
  if (state_ == SessionState::kAwaitingMedia) join_media();
}

void Session::join_media() {
  timer_.stop();
  state_ = SessionState::kJoiningMedia;
  tools_.client.add_channel(bridge_, media_channel_,
                            then("bridging the media", &Session::after_media_joined));
}

void Session::after_media_joined(const ari::Reply&) {
  state_ = SessionState::kUp;
  times_.up_ms = age_ms();
  tools_.listener.on_session_up(*this);
}

void Session::on_media_started() {
  if (times_.first_media_ms < 0) times_.first_media_ms = age_ms();
}

void Session::on_phone_gone(const std::string& reason) {
  phone_gone_ = true;
  end(reason);
}

void Session::on_media_gone() {
  if (!ending()) end("the media channel ended in Asterisk", kCauseNetworkOutOfOrder);
}

void Session::on_bridge_gone() {
  if (!ending()) end("the bridge was destroyed in Asterisk", kCauseNetworkOutOfOrder);
}

void Session::on_pipeline_ended(const std::string& reason, const std::string& detail) {
  pipeline_plays_ = false;
  if (state_ == SessionState::kEnding) {
    if (!awaiting_) finish();
    return;
  }
  end("the pipeline ended (" + reason + (detail.empty() ? "" : ": " + detail) + ")",
      kCauseNetworkOutOfOrder);
}

void Session::end(const std::string& reason, int cause) {
  if (ending()) return;
  log::info(kTopic, call_.leg + " ends while " + name_of(state_) + ": " + reason);
  const auto self = shared_from_this();
  state_ = SessionState::kEnding;
  end_reason_ = reason;
  end_cause_ = cause;
  tools_.listener.on_session_ending(*this);
  if (!awaiting_) tidy();
}

/// Nothing is under way any more: take away what was made. The phone is let go at once, the
/// pipeline given time for its last words.
void Session::tidy() {
  if (media_asked_) tools_.sweeper.channel(media_channel_);
  if (bridge_asked_) tools_.sweeper.bridge(bridge_);
  if (!phone_gone_) tools_.sweeper.channel(call_.channel, end_cause_);
  if (!pipeline_plays_) return finish();
  timer_.start(kStopTimeoutMs, [this] {
    log::warning(kTopic, call_.leg + ": the worker did not say that the pipeline ended");
    finish();
  });
  tools_.workers.stop(call_.leg);
}

void Session::finish() {
  if (state_ == SessionState::kEnded) return;
  const auto self = shared_from_this();
  timer_.stop();
  state_ = SessionState::kEnded;
  if (port_) tools_.ports.release(port_);
  tools_.listener.on_session_ended(*this);
}

}  // namespace dragoman
