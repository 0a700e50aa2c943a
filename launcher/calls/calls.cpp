// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/calls/calls.h"

#include <algorithm>
#include <utility>

#include "launcher/calls/names.h"
#include "launcher/util/log.h"
#include "plugins/common/messages.h"
#include "plugins/common/pipeline_clock.h"

namespace dragoman {
namespace {

constexpr char kTopic[] = "calls";
constexpr int kCauseUnallocated = 1, kCauseCongestion = 34;  // Q.850
constexpr int kShutDownMs = 12000;
constexpr int kRelistMs = 1000;

template <typename... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
template <typename... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

std::string new_trace_id() {
  g_autofree char* id = g_uuid_string_random();
  return id;
}

std::vector<std::string> arguments_of(const std::string& dialplan_data) {
  g_auto(GStrv) parts = g_strsplit(dialplan_data.c_str(), ",", 16);
  std::vector<std::string> arguments;
  for (guint i = 1; parts[0] && parts[i]; ++i) arguments.emplace_back(g_strstrip(parts[i]));
  return arguments;
}

std::string hang_up_reason(int cause) {
  switch (cause) {
    case 0:
    case 16:
      return "the caller hung up";
    case 44:
      return "the phone's channel is gone";
    default:
      return "the phone hung up (cause " + std::to_string(cause) + ")";
  }
}

}  // namespace

Calls::Calls(Tools tools)
    : tools_(std::move(tools)),
      traces_(new_trace_id),
      ports_(tools_.config.media.first_port, tools_.config.media.last_port),
      sweeper_(tools_.client),
      rehearsal_(tools_.workers, tools_.config.paths.data + "/rehearsal") {
  sweeper_.when_idle([this] { check_shut_down(); });
  rehearsal_.when_over([this](const std::set<std::string>& failed) { after_rehearsal(failed); });
}

Calls::~Calls() = default;

// Calls that come.

void Calls::take(const ari::Channel& channel, const std::vector<std::string>& arguments) {
  const std::string extension = arguments.empty() ? "" : arguments[0];
  const auto route = tools_.config.routes.find(extension);
  if (extension.empty())
    return refuse(channel, "?",
                  "the dialplan does not say which extension: write Stasis(" +
                      tools_.config.ari.application + ",${EXTEN})",
                  kCauseUnallocated);
  if (route == tools_.config.routes.end())
    return refuse(channel, extension,
                  "unknown extension: add a group [extension " + log::printable(extension, 64) +
                      "] to the configuration",
                  kCauseUnallocated);
  if (stopping_) return refuse(channel, extension, "the launcher is stopping", kCauseCongestion);

  const Traces::Joined joined = traces_.join(route->second, utc_now_ns());
  const std::string& trace_id = joined.row.trace_id;
  alone_.erase(trace_id);
  const std::string leg = names::leg(trace_id, extension, joined.leg);
  std::function<std::map<std::string, std::string>()> knobs;
  if (tools_.knobs)
    knobs = [tools = tools_.knobs, leg, trace_id, extension] {
      return tools->begin(leg, trace_id, extension);
    };
  auto session = std::make_shared<Session>(
      Session::Call{.route = route->second,
                    .trace_id = trace_id,
                    .leg = leg,
                    .channel = channel.id,
                    .caller = channel.caller,
                    .pipeline = pipeline_for(route->second, trace_id),
                    .knobs = std::move(knobs),
                    .asterisk_address = tools_.asterisk_address},
      Session::Tools{tools_.client, tools_.workers, ports_, sweeper_, tools_.config, *this});
  sessions_.emplace(session->call().leg, session);
  tools_.recorder.trace(joined.row);
  if (joined.opened)
    tools_.reporter.started(*session);
  else
    tools_.reporter.joined(*session);
  if (joined.opened && tools_.config.calls.max_wait_s > 0 && !route->second.partner.empty())
    start_alone_timer(trace_id, tools_.config.calls.max_wait_s * 1000,
                      route->second.partner + " did not call within " +
                          std::to_string(tools_.config.calls.max_wait_s) + " s");
  session->start();
}

void Calls::rehearse() {
  std::vector<Rehearsal::Part> parts;
  for (int worker = 0; worker < tools_.config.media.workers; ++worker)
    for (const auto& [extension, route] : tools_.config.routes)
      parts.push_back({pipeline_for(route, "rehearsal"), extension, worker});
  rehearsal_.start(std::move(parts));
}

void Calls::after_rehearsal(const std::set<std::string>& failed) {
  std::string served;
  for (const auto& [extension, route] : tools_.config.routes)
    if (!failed.contains(extension))
      served += (served.empty() ? "" : ", ") + extension + " (" + route.language + ")";
  if (!served.empty()) tools_.reporter.ready(served);
}

void Calls::refuse(const ari::Channel& channel, const std::string& extension,
                   const std::string& why, int cause) {
  log::warning(kTopic, "a call to " + log::printable(extension, 64) + " is refused: " + why);
  tools_.reporter.refused(extension, why);
  sweeper_.channel(channel.id, cause);
}

PipelineRequest Calls::pipeline_for(const Route& route, const std::string& trace_id) const {
  return pipeline_request(tools_.config, route, tools_.pipelines.at(route.extension), trace_id,
                          tools_.asterisk_address);
}

PipelineRequest pipeline_request(const Config& config, const Route& route,
                                 const RoutePipeline& pipeline, const std::string& trace_id,
                                 const std::string& asterisk_address) {
  const std::string listens =
      route.partner.empty() ? "" : names::speech_channel(trace_id, route.partner);
  const auto partner = config.routes.find(route.partner);
  char gain[G_ASCII_DTOSTR_BUF_SIZE];
  g_ascii_dtostr(gain, sizeof gain, route.gain_db);
  const std::map<std::string, std::string> known = {
      {"address", config.media.address},
      {"peer", asterisk_address},
      {"format", config.media.format},
      {"trace", trace_id},
      {"channel", names::speech_channel(trace_id, route.extension)},
      {"listens", listens},
      {"speaks", route.language},
      {"hears", route.hears},
      {"partner-speaks", partner == config.routes.end() ? "" : partner->second.language},
      {"station", route.station},
      {"partner-station", partner == config.routes.end() ? "" : partner->second.station},
      {"translated-station", route.translated_station},
      {"audio", config.paths.audio},
      {"memory", config.speech.memory},
      {"gain-db", gain},
  };
  PipelineRequest request;
  request.file = pipeline.file;
  for (const auto& [name, value] : known) {
    std::string underscored = name;
    std::replace(underscored.begin(), underscored.end(), '-', '_');
    for (const std::string& spelling : {name, underscored})
      if (pipeline.parameters.contains(spelling) && !value.empty())
        request.parameters[spelling] = value;
  }
  return request;
}

void Calls::start_alone_timer(const std::string& trace_id, int ms, const std::string& reason) {
  auto timer = std::make_unique<Timer>();
  timer->start(ms, [this, trace_id, reason] {
    for (const SessionPtr& session : of_trace(trace_id)) session->end(reason);
    alone_.erase(trace_id);
  });
  alone_[trace_id] = std::move(timer);
}

// What Asterisk tells.

void Calls::on_event(const ari::Event& event) {
  const std::string media = names::media_prefix(tools_.config.ari.application);
  std::visit(Overloaded{
                 [&](const ari::StasisStart& start) {
                   if (const SessionPtr session = by_media(start.channel.id))
                     return session->on_media_entered();
                   if (start.channel.id.starts_with(media))
                     return sweeper_.channel(start.channel.id);
                   if (!by_phone(start.channel.id)) take(start.channel, start.arguments);
                 },
                 [&](const ari::StasisEnd& end) {
                   on_channel_gone(end.channel, "the call left the application");
                 },
                 [&](const ari::ChannelHangupRequest& request) {
                   on_channel_gone(request.channel, hang_up_reason(request.cause));
                 },
                 [&](const ari::ChannelDestroyed& destroyed) {
                   on_channel_gone(destroyed.channel, hang_up_reason(destroyed.cause));
                 },
                 [&](const ari::BridgeDestroyed& destroyed) {
                   if (const SessionPtr session = by_bridge(destroyed.bridge.id))
                     session->on_bridge_gone();
                 },
                 [](const auto&) {},
             },
             event);
}

void Calls::on_channel_gone(const ari::Channel& channel, const std::string& reason) {
  if (const SessionPtr session = by_phone(channel.id)) session->on_phone_gone(reason);
  if (const SessionPtr session = by_media(channel.id)) session->on_media_gone();
}

void Calls::on_connected() { reconcile(); }

void Calls::on_disconnected() { relist_.stop(); }

// After a connection: what happened while nobody listened?

void Calls::reconcile() {
  std::vector<SessionPtr> known;
  for (const auto& [leg, session] : sessions_) known.push_back(session);
  const auto again = [this] { relist_.start(kRelistMs, [this] { reconcile(); }); };
  tools_.client.list_channels([this, known, again](bool ok, std::vector<ari::Channel> channels) {
    if (!ok) return again();
    reconcile_channels(channels, known);
    tools_.client.list_bridges([this, known, again](bool listed, std::vector<ari::Bridge> bridges) {
      if (!listed) return again();
      reconcile_bridges(bridges, known);
    });
  });
}

bool Calls::is_ours(const ari::Channel& channel) const {
  const std::string& application = tools_.config.ari.application;
  return channel.dialplan_application == "Stasis" &&
         (channel.dialplan_data == application ||
          channel.dialplan_data.starts_with(application + ","));
}

void Calls::reconcile_channels(const std::vector<ari::Channel>& channels,
                               const std::vector<SessionPtr>& known) {
  std::map<std::string, const ari::Channel*> listed;
  for (const ari::Channel& channel : channels) listed[channel.id] = &channel;
  for (const SessionPtr& session : known) {
    const bool media_up = session->state() == SessionState::kUp;
    const auto media = listed.find(session->media_channel());
    if (!listed.contains(session->call().channel))
      session->on_phone_gone("the phone had gone when Asterisk was reached again");
    else if (media_up && media == listed.end())
      session->on_media_gone();
    else if (media != listed.end() && is_ours(*media->second))
      session->on_media_entered();
  }
  const std::string media_prefix = names::media_prefix(tools_.config.ari.application);
  for (const ari::Channel& channel : channels) {
    if (channel.id.starts_with(media_prefix)) {
      if (!by_media(channel.id)) sweeper_.channel(channel.id);
    } else if (is_ours(channel) && !by_phone(channel.id)) {
      log::notice(kTopic, "channel " + channel.id + " came while nobody listened; it is taken now");
      take(channel, arguments_of(channel.dialplan_data));
    }
  }
}

void Calls::reconcile_bridges(const std::vector<ari::Bridge>& bridges,
                              const std::vector<SessionPtr>& known) {
  std::set<std::string> listed;
  for (const ari::Bridge& bridge : bridges) listed.insert(bridge.id);
  for (const SessionPtr& session : known)
    if (session->state() == SessionState::kUp && !listed.contains(session->bridge()))
      session->on_bridge_gone();
  const std::string prefix = names::bridge_prefix(tools_.config.ari.application);
  for (const std::string& bridge : listed)
    if (bridge.starts_with(prefix) && !by_bridge(bridge)) sweeper_.bridge(bridge);
}

// What the workers tell.

void Calls::on_pipeline_message(const std::string& id, const std::string& name, GVariant* fields) {
  if (rehearsal_.on_message(id, name, fields)) return;
  const SessionPtr session = by_leg(id);
  if (!session) return;
  tools_.recorder.message(session->call().trace_id, name, fields);
  if (name == messages::kMediaStarted) {
    const bool first = session->times().first_media_ms < 0;
    session->on_media_started();
    if (first) tools_.reporter.media_started(*session);
  }
  tools_.reporter.message(*session, name, fields);
}

void Calls::on_pipeline_ended(const std::string& id, const std::string& reason,
                              const std::string& detail) {
  if (rehearsal_.on_ended(id, reason, detail)) return;
  if (const SessionPtr session = by_leg(id)) session->on_pipeline_ended(reason, detail);
}

void Calls::on_worker_restarted(const std::vector<std::string>& ids) {
  tools_.reporter.worker_restarted(ids.size());
  if (ids.empty()) return rehearse();  // the calls' own pipelines do it otherwise
  std::set<std::string> traces;
  for (const std::string& id : ids)
    if (const SessionPtr session = by_leg(id)) traces.insert(session->call().trace_id);
  for (const std::string& trace : traces)
    if (tools_.mend) tools_.mend(trace);
}

// What sessions tell.

void Calls::on_session_up(Session& session) { tools_.reporter.up(session); }

void Calls::on_session_ending(Session& session) {
  const Session::Call& call = session.call();
  const std::optional<Traces::Left> left =
      traces_.leave(call.trace_id, call.route.extension, utc_now_ns());
  if (!left) return;
  if (left->closed) {
    tools_.recorder.trace(left->row);
    alone_.erase(call.trace_id);
  } else if (!stopping_) {
    start_alone_timer(call.trace_id, tools_.config.calls.linger_s * 1000,
                      "the other party (" + call.route.extension + ") has gone");
  }
}

void Calls::on_session_ended(Session& session) {
  tools_.reporter.ended(session);
  if (tools_.knobs) tools_.knobs->end(session.call().leg);
  const std::string trace = session.call().trace_id;
  sessions_.erase(session.call().leg);
  if (of_trace(trace).empty()) tools_.recorder.ended(trace);
  check_shut_down();
}

// The end.

void Calls::shut_down(std::function<void()> done) {
  stopping_ = true;
  shut_down_done_ = std::move(done);
  shut_down_timer_.start(kShutDownMs, [this] {
    log::warning(kTopic, std::to_string(sessions_.size()) + " calls had not ended in 12 s");
    if (const auto finished = std::exchange(shut_down_done_, nullptr)) finished();
  });
  alone_.clear();
  const auto sessions = sessions_;
  for (const auto& [leg, session] : sessions) session->end("the launcher stops");
  check_shut_down();
}

void Calls::check_shut_down() {
  if (!shut_down_done_ || !sessions_.empty() || !sweeper_.idle()) return;
  shut_down_timer_.stop();
  const auto finished = std::exchange(shut_down_done_, nullptr);
  finished();
}

// Look-ups.

std::vector<const Session*> Calls::sessions() const {
  std::vector<const Session*> all;
  for (const auto& [leg, session] : sessions_) all.push_back(session.get());
  return all;
}

Calls::SessionPtr Calls::by_leg(const std::string& leg) const {
  const auto found = sessions_.find(leg);
  return found == sessions_.end() ? nullptr : found->second;
}

namespace {
template <typename Sessions, typename Matches>
auto find_session(const Sessions& sessions, Matches matches) {
  const auto found = std::find_if(sessions.begin(), sessions.end(),
                                  [&](const auto& entry) { return matches(*entry.second); });
  return found == sessions.end() ? nullptr : found->second;
}
}  // namespace

Calls::SessionPtr Calls::by_phone(const std::string& channel) const {
  return find_session(sessions_, [&](const Session& s) { return s.call().channel == channel; });
}

Calls::SessionPtr Calls::by_media(const std::string& channel) const {
  return find_session(sessions_, [&](const Session& s) { return s.media_channel() == channel; });
}

Calls::SessionPtr Calls::by_bridge(const std::string& bridge) const {
  return find_session(sessions_, [&](const Session& s) { return s.bridge() == bridge; });
}

std::vector<Calls::SessionPtr> Calls::of_trace(const std::string& trace_id) const {
  std::vector<SessionPtr> found;
  for (const auto& [leg, session] : sessions_)
    if (session->call().trace_id == trace_id) found.push_back(session);
  return found;
}

}  // namespace dragoman
