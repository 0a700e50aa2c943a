// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/app.h"

#include <glib-unix.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "launcher/calls/calls.h"
#include "launcher/command.h"
#include "launcher/control/server.h"
#include "launcher/control/socket_path.h"
#include "launcher/pipeline/pipeline_file.h"
#include "launcher/stations/knob_requests.h"
#include "launcher/stations/knobs.h"
#include "launcher/status/status.h"
#include "launcher/store/backup/recover.h"
#include "launcher/store/data_folder_lock.h"
#include "launcher/store/iso_time.h"
#include "launcher/store/mend.h"
#include "launcher/store/open_traces.h"
#include "launcher/store/pg_retention.h"
#include "launcher/store/retention.h"
#include "launcher/store/shipper.h"
#include "launcher/util/log.h"
#include "launcher/util/paths.h"

namespace dragoman {
namespace {

constexpr char kTopic[] = "launcher";
constexpr std::chrono::seconds kLastShipping{3};
// Of a larger journal not every page is read before the first call: 'dragoman recover' does that.
constexpr uint64_t kMostBytesChecked = 256 << 20;

/// Why the launcher cannot start, for the user.
class StartError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

void make_writable_folder(const std::string& folder, const char* option) {
  if (g_mkdir_with_parents(folder.c_str(), 0750) != 0 || access(folder.c_str(), W_OK | X_OK) != 0)
    throw StartError(folder + ": " + g_strerror(errno) +
                     "; let this user write there, or name another folder with " + option);
}

/// A route's pipeline file, as calls and as knobs see it.
struct RouteFile {
  RoutePipeline pipeline;
  std::vector<KnobSpec> knobs;
};

RouteFile read_pipeline(const Config& config, const Route& route) {
  const bool absolute = g_path_is_absolute(route.pipeline.c_str());
  const std::optional<std::string> path =
      absolute || config.paths.pipelines.empty()
          ? find_pipeline(route.pipeline)
          : std::optional(config.paths.pipelines + "/" + route.pipeline);
  if (!path)
    throw StartError("[extension " + route.extension + "]: pipeline file " + route.pipeline +
                     " is not found; give a path, or set [paths] pipelines");
  Problems problems;
  const std::optional<PipelineFile> file = PipelineFile::read(*path, problems);
  if (!file) throw StartError(text_of(problems));
  RoutePipeline pipeline{.file = *path};
  for (const PipelineParameter& parameter : file->parameters())
    pipeline.parameters.insert(parameter.name);
  const PipelineRequest request = pipeline_request(config, route, pipeline, "", "");
  std::vector<KnobSpec> knobs = knobs_of(*file, request.parameters, problems);
  if (!problems.empty()) throw StartError(text_of(problems));
  return {std::move(pipeline), std::move(knobs)};
}

/// The address that Asterisk's RTP comes from: that of its ARI. Empty when it has none (yet).
std::string resolve_asterisk(const std::string& url) {
  g_autoptr(GUri) uri = g_uri_parse(url.c_str(), G_URI_FLAGS_NONE, nullptr);
  const char* host = uri ? g_uri_get_host(uri) : nullptr;
  if (!host) return {};
  if (g_hostname_is_ip_address(host)) return host;
  g_autoptr(GResolver) resolver = g_resolver_get_default();
  g_autoptr(GError) error = nullptr;
  GList* addresses = g_resolver_lookup_by_name_with_flags(
      resolver, host, G_RESOLVER_NAME_LOOKUP_FLAGS_IPV4_ONLY, nullptr, &error);
  if (!addresses) {
    log::warning(kTopic, std::string("[ari] url: ") + (error ? error->message : host));
    return {};
  }
  g_autofree char* text = g_inet_address_to_string(G_INET_ADDRESS(addresses->data));
  g_resolver_free_addresses(addresses);
  return text;
}

class RealWorkers : public MediaWorkers {
 public:
  /// Before anything else; the calls that listen are made after this object.
  void run(Workers::Options options, WorkersListener& listener) {
    workers_ = std::make_unique<Workers>(std::move(options), listener);
  }
  void end() { workers_.reset(); }

  std::vector<LauncherStatus::Worker> status() const {
    std::vector<LauncherStatus::Worker> all;
    if (!workers_) return all;
    for (Workers::Status& worker : workers_->status())
      all.push_back({worker.pid, worker.ready, std::move(worker.pipelines), worker.restarts});
    return all;
  }

  void start(const PipelineRequest& request, const std::string& group,
             Workers::StartDone done) override {
    workers_->start(request, group, std::move(done));
  }
  void stop(const std::string& id) override { workers_->stop(id); }
  void set_property(const std::string& id, const std::string& element, const std::string& property,
                    GVariant* value) override {
    workers_->set_property(id, element, property, value);
  }
  void set_knob(const std::string& id, const std::string& knob, GVariant* value,
                std::function<void(const std::string& error)> done) override {
    workers_->set_knob(
        id, knob, value,
        [done = std::move(done)](const std::string& error, GVariant*) { done(error); });
  }

 private:
  std::unique_ptr<Workers> workers_;
};

uint64_t utc_now() { return static_cast<uint64_t>(g_get_real_time()) * 1000; }

/// The sessions as calls, those that came first in front.
std::vector<LauncherStatus::Call> live_calls(std::vector<const Session*> sessions,
                                             const std::vector<LauncherStatus::Worker>& workers,
                                             uint64_t now) {
  std::map<std::string, int> pids;  // by pipeline
  for (const LauncherStatus::Worker& worker : workers)
    for (const std::string& pipeline : worker.pipelines) pids[pipeline] = worker.pid;
  std::stable_sort(sessions.begin(), sessions.end(),
                   [](const Session* a, const Session* b) { return a->age_ms() > b->age_ms(); });
  std::vector<LauncherStatus::Call> calls;
  for (const Session* session : sessions) {
    const Session::Call& call = session->call();
    auto found = std::find_if(calls.begin(), calls.end(), [&call](const auto& known) {
      return known.trace_id == call.trace_id;
    });
    if (found == calls.end()) found = calls.insert(found, {.trace_id = call.trace_id});
    const auto pid = pids.find(call.leg);
    found->parties.push_back({.extension = call.route.extension,
                              .language = call.route.language,
                              .pipeline = call.route.pipeline,
                              .state = name_of(session->state()),
                              .worker_pid = pid == pids.end() ? 0 : pid->second,
                              .since = now - static_cast<uint64_t>(session->age_ms() * 1e6),
                              .is_heard = session->times().first_media_ms >= 0});
  }
  return calls;
}

class App {
 public:
  explicit App(const Config& config)
      : config_(config),
        folders_ready_(make_folders(config)),
        lock_(config.paths.data),
        files_(read_pipelines(config)),
        journal_(open_journal()),
        shipper_(make_shipper(config)),
        mender_(config.paths.audio, journal_path(config.paths.data), *journal_),
        knobs_(route_knobs(files_), config.knobs, workers_, *journal_),
        recorder_(*journal_, config.monitoring.enabled, &knobs_),
        reporter_(
            [](const std::string& line) { log::write_line_unless_blocked(STDOUT_FILENO, line); }),
        client_({.access = {.url = config.ari.url,
                            .user = config.ari.user,
                            .password = config.ari.password,
                            .timeout_ms = config.ari.timeout_ms},
                 .application = config.ari.application}),
        calls_({.client = client_,
                .workers = workers_,
                .recorder = recorder_,
                .reporter = reporter_,
                .config = config_,
                .pipelines = route_pipelines(files_),
                .asterisk_address = resolve_asterisk(config.ari.url),
                .mend = [this](const std::string& trace) { mender_.mend(trace); },
                .refused = [this](const std::string& why) { refused(why); },
                .knobs = &knobs_}),
        control_(control_path(config.paths.data),
                 [this](JsonObject* request, const ControlServer::Reply& reply) {
                   handle_request(request, reply);
                 }) {}

  int run() {
    loop_.reset(g_main_loop_new(nullptr, FALSE));
    for (const int number : {SIGTERM, SIGINT}) g_unix_signal_add(number, on_signal, this);
    signal(SIGPIPE, SIG_IGN);
    workers_.run({.program = executable_path(), .count = config_.media.workers}, calls_);
    close_open_traces();
    salvager_.look();
    retention_.emplace(retention_options());
    pg_retention_ = make_pg_retention();
    calls_.rehearse();
    client_.start(calls_);
    g_main_loop_run(loop_.get());
    workers_.end();
    retention_.reset();
    pg_retention_.reset();
    journal_->flush();
    if (journal_->dropped() > 0)
      log::warning(kTopic, std::to_string(journal_->dropped()) + " rows could not be written (" +
                               journal_->health().dropped.text() + " for want of room)");
    // What is not shipped by then stays in the journal for the next launcher.
    if (shipper_) shipper_->finish(kLastShipping);
    shipper_.reset();
    return status_;
  }

 private:
  RetentionOptions retention_options() {
    const Config::Monitoring& monitoring = config_.monitoring;
    RetentionOptions options{.database = journal_path(config_.paths.data),
                             .audio_folder = config_.paths.audio,
                             .keep = std::chrono::hours(monitoring.retention_hours)};
    options.disk.most_bytes = static_cast<uint64_t>(monitoring.max_disk_gb * 1e9);
    options.disk.least_free_bytes = static_cast<uint64_t>(monitoring.min_free_mb) << 20;
    options.journal = [this] { return journal_->health(); };
    // Also at once, for what the last launcher may have left.
    if (shipper_) options.limit = only_shipped();
    options.mend = [this] {
      if (!traces_closed_) close_open_traces();
      if (config_.monitoring.enabled) mender_.mend({});
    };
    return options;
  }

  static bool make_folders(const Config& config) {
    make_writable_folder(config.paths.data, "--data");
    if (config.monitoring.enabled) make_writable_folder(config.paths.audio, "--audio");
    return true;
  }

  /// Opens the journal, or if it is damaged a new one: calls do not wait for the old one's rows.
  std::unique_ptr<Journal> open_journal() {
    const std::string path = journal_path(config_.paths.data);
    if (const std::optional<std::string> damage = journal_damage(path))
      log::warning(kTopic, "journal " + path + " is damaged (" + *damage + "); it is kept as " +
                               set_aside(path) + ", a new one is made");
    return Journal::open(path, {.damaged = [this](const std::string&) { salvager_.look(); }});
  }

  static std::optional<std::string> journal_damage(const std::string& path) {
    try {
      return find_damage(path, kMostBytesChecked);
    } catch (const DatabaseError&) {
      return {};  // it cannot be looked at; the journal says why when it cannot open it either
    }
  }

  void close_open_traces() {
    try {
      if (const size_t ended =
              end_open_traces(journal_path(config_.paths.data), iso_time(started_)))
        log::notice(kTopic,
                    std::to_string(ended) + " calls of a launcher that was killed are closed");
      traces_closed_ = true;
    } catch (const DatabaseError& error) {
      log::warning(kTopic, std::string("the journal's open calls are not closed: ") + error.what());
    }
  }

  /// On the salvager's thread, which is older than the mender.
  void salvaged() {
    close_open_traces();
    g_idle_add(
        [](gpointer data) {
          auto* self = static_cast<App*>(data);
          if (self->config_.monitoring.enabled) self->mender_.mend({});
          return G_SOURCE_REMOVE;
        },
        this);
  }

  void handle_request(JsonObject* request, const ControlServer::Reply& reply) {
    if (json::text(request, "do") == "status")
      reply("{\"ok\": true, \"status\": " + json_of(status()) + "}");
    else if (!handle_knob_request(knobs_, request, reply))
      reply(control_error("this launcher does not know the request"));
  }

  LauncherStatus status() const {
    const ari::Client::Status asterisk = client_.status();
    LauncherStatus status{
        .version = DRAGOMAN_VERSION,
        .pid = ::getpid(),
        .now = utc_now(),
        .started = started_,
        .stopping = stopping_,
        .asterisk = {.url = config_.ari.url,
                     .application = config_.ari.application,
                     .connected = asterisk.connected,
                     .since = asterisk.since,
                     .last_error = asterisk.last_error},
        .workers = workers_.status(),
        .journal_path = journal_path(config_.paths.data),
        .keep = std::chrono::hours(config_.monitoring.retention_hours),
        .store = {.journal = journal_->health(),
                  .retention = retention_ ? retention_->health() : RetentionHealth()},
        .salvage = salvager_.health(),
        .recording = {.enabled = config_.monitoring.enabled,
                      .files_lost = recorder_.lost().files,
                      .audio_lost_ms = recorder_.lost().audio_ms}};
    if (shipper_) status.shipper = shipper_->status();
    if (pg_retention_) status.postgresql_retention = pg_retention_->health();
    status.calls = live_calls(calls_.sessions(), status.workers, status.now);
    return status;
  }

  using RouteFiles = std::map<std::string, RouteFile>;

  static std::unique_ptr<Shipper> make_shipper(const Config& config) {
    if (!config.store.ships()) return nullptr;
    try {
      return std::make_unique<Shipper>(journal_path(config.paths.data),
                                       PgTarget(config.store.postgresql, config.store.database));
    } catch (const std::invalid_argument& error) {
      throw StartError(std::string("[store] postgresql: ") + error.what());
    }
  }

  std::unique_ptr<PgRetention> make_pg_retention() const {
    if (!config_.store.ships()) return nullptr;
    return std::make_unique<PgRetention>(
        PgTarget(config_.store.postgresql, config_.store.database),
        PgRetentionOptions{.keep = std::chrono::hours(config_.postgresql_retention_hours())});
  }

  static RouteFiles read_pipelines(const Config& config) {
    RouteFiles files;
    for (const auto& [extension, route] : config.routes)
      files[extension] = read_pipeline(config, route);
    return files;
  }

  static std::map<std::string, RoutePipeline> route_pipelines(const RouteFiles& files) {
    std::map<std::string, RoutePipeline> pipelines;
    for (const auto& [extension, file] : files) pipelines[extension] = file.pipeline;
    return pipelines;
  }

  static RouteKnobs route_knobs(const RouteFiles& files) {
    RouteKnobs knobs;
    for (const auto& [extension, file] : files) knobs[extension] = file.knobs;
    return knobs;
  }

  static gboolean on_signal(gpointer data) {
    static_cast<App*>(data)->stop();
    return G_SOURCE_CONTINUE;
  }

  void stop() {
    if (stopping_) return;
    stopping_ = true;
    log::notice(kTopic, "stopping: " + std::to_string(calls_.count()) + " calls end");
    calls_.shut_down([this] { g_main_loop_quit(loop_.get()); });
  }

  void refused(const std::string& why) {
    log::error(kTopic, why);
    status_ = kExitFailed;
    g_main_loop_quit(loop_.get());
  }

  struct LoopUnref {
    void operator()(GMainLoop* loop) const { g_main_loop_unref(loop); }
  };

  const Config& config_;
  bool folders_ready_;
  DataFolderLock lock_;
  RouteFiles files_;
  const uint64_t started_ = utc_now();
  std::atomic<bool> traces_closed_ = false;  ///< those of the launcher before
  Salvager salvager_{journal_path(config_.paths.data), [this] { salvaged(); }};
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Shipper> shipper_;
  std::unique_ptr<PgRetention> pg_retention_;
  Mender mender_;
  RealWorkers workers_;
  Knobs knobs_;
  Recorder recorder_;
  Reporter reporter_;
  ari::Client client_;
  Calls calls_;
  std::optional<Retention> retention_;  ///< while the main loop runs
  ControlServer control_;
  std::unique_ptr<GMainLoop, LoopUnref> loop_;
  int status_ = kExitOk;
  bool stopping_ = false;
};

}  // namespace

int run_app(const Config& config) {
  try {
    App app(config);
    return app.run();
  } catch (const std::exception& error) {
    log::error(kTopic, error.what());
    return kExitFailed;
  }
}

}  // namespace dragoman
