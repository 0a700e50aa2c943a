// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/workers.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <utility>

#include "launcher/pipeline/pipeline_file.h"
#include "launcher/util/paths.h"
#include "launcher/worker/worker_process.h"

namespace dragoman {
namespace {

/// A worker that dies so often in this time is given up.
constexpr size_t kMaxDeaths = 5;
constexpr gint64 kDeathWindowUs = 30 * G_USEC_PER_SEC;
/// How long the workers have to end by themselves.
constexpr gint64 kShutDownUs = 5 * G_USEC_PER_SEC;

using VariantPtr = std::shared_ptr<GVariant>;

VariantPtr own(GVariant* variant) {
  return {g_variant_ref_sink(variant), [](GVariant* held) { g_variant_unref(held); }};
}

/// A pipeline that is to play.
struct Entry {
  enum class Phase { kWaiting, kStarting, kPlaying };

  PipelineRequest request;
  std::string group;
  Workers::StartDone done;  ///< empty once called
  Phase phase = Phase::kWaiting;
  bool stopping = false;
  bool played = false;  ///< in this worker or one before
  std::map<std::pair<std::string, std::string>, VariantPtr> properties;
  std::map<std::string, VariantPtr> late_knobs;  ///< set while it was starting

  void finish_start(const std::string& error, int port) {
    if (const auto call = std::exchange(done, nullptr)) call(error, port);
  }
};

/// A value as gst-launch reads it.
std::string text_of(GVariant* value) {
  if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
    return g_variant_get_string(value, nullptr);
  g_autofree char* text = g_variant_print(value, FALSE);
  return text;
}

GVariant* dictionary(const std::map<std::string, std::string>& texts) {
  GVariantBuilder builder;
  g_variant_builder_init(&builder, G_VARIANT_TYPE("a{ss}"));
  for (const auto& [name, value] : texts) {
    g_variant_builder_add(&builder, "{ss}", name.c_str(), value.c_str());
  }
  return g_variant_builder_end(&builder);
}

/// Has the next start take the port that this one was given, if the file has such a parameter.
void keep_port(PipelineRequest& request, int port) {
  Problems problems;
  const auto path = find_pipeline(request.file);
  const auto file = path ? PipelineFile::read(*path, problems) : std::nullopt;
  if (file && file->parameter("port")) request.parameters["port"] = std::to_string(port);
}

/// One place for a worker: its process, the next one when that dies, and its pipelines.
class Slot : public WorkerProcessListener {
 public:
  Slot(const Workers::Options& options, WorkersListener& listener)
      : options_(options), listener_(listener) {
    spawn();
  }

  size_t size() const { return entries_.size(); }
  Workers::Status status() const {
    Workers::Status status{.restarts = restarts_};
    if (process_) {
      status.pid = process_->pid();
      status.ready = process_->ready();
    }
    for (const auto& [id, entry] : entries_) status.pipelines.push_back(id);
    return status;
  }
  bool has(const std::string& id) const { return entries_.count(id); }
  bool has_group(const std::string& group) const {
    return std::any_of(entries_.begin(), entries_.end(),
                       [&](const auto& entry) { return entry.second->group == group; });
  }
  WorkerProcess* process() const { return process_.get(); }

  void start(const PipelineRequest& request, const std::string& group, Workers::StartDone done) {
    if (!process_ && !spawn()) return done(failure_, 0);
    auto entry = std::make_shared<Entry>();
    entry->request = request;
    entry->group = group;
    entry->done = std::move(done);
    entries_[request.id] = entry;
    if (process_->ready()) send_start(entry);
  }

  void stop(const std::string& id) {
    const auto found = entries_.find(id);
    if (found == entries_.end() || found->second->stopping) return;
    const auto entry = found->second;
    entry->stopping = true;
    if (entry->phase != Entry::Phase::kWaiting) {
      process_->call("Stop", g_variant_new("(s)", id.c_str()), nullptr);
    } else {
      entries_.erase(found);
      end(entry, "stopped", "");
    }
  }

  void set_property(const std::string& id, const std::string& element, const std::string& property,
                    GVariant* value) {
    const VariantPtr held = own(value);
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    found->second->properties[{element, property}] = held;
    if (found->second->phase == Entry::Phase::kPlaying)
      send_property(id, {element, property}, held);
  }

  using KnobDone = std::function<void(const std::string& error, GVariant* old_value)>;

  void set_knob(const std::string& id, const std::string& knob, GVariant* value, KnobDone done) {
    const VariantPtr held = own(value);
    const auto entry = entries_.at(id);
    if (entry->phase != Entry::Phase::kPlaying) {
      remember(*entry, knob, held);
      if (entry->phase == Entry::Phase::kStarting) entry->late_knobs[knob] = held;
      if (done) done("", nullptr);
      return;
    }
    process_->call(
        "SetKnob", g_variant_new("(ssv)", id.c_str(), knob.c_str(), held.get()),
        [entry, knob, held, done](const std::string& error, bool lost, GVariant* result) {
          // One that died over it does not say no: the next begins with the value.
          if (error.empty() || lost) remember(*entry, knob, held);
          if (!done) return;
          if (lost) return done("", nullptr);
          GVariant* old = nullptr;
          if (result) g_variant_get(result, "(v)", &old);
          done(error, old);
          if (old) g_variant_unref(old);
        });
  }

  void say(const std::string& channel, const std::string& language, const std::string& text) {
    if (!process_ || !process_->ready()) return;
    process_->call("Say", g_variant_new("(sss)", channel.c_str(), language.c_str(), text.c_str()),
                   [](const std::string& error, bool, GVariant*) {
                     if (!error.empty()) g_warning("nothing said: %s", error.c_str());
                   });
  }

 private:
  using EntryPtr = std::shared_ptr<Entry>;

  /// Has the next start of the pipeline begin with the knob so.
  static void remember(Entry& entry, const std::string& knob, const VariantPtr& value) {
    entry.request.knobs[knob] = text_of(value.get());
  }

  bool spawn() {
    forget_old_deaths();
    if (deaths_.size() >= kMaxDeaths) return false;
    process_ = WorkerProcess::spawn(options_.program, options_.environment, *this, failure_);
    if (!process_) g_warning("no media worker: %s", failure_.c_str());
    return process_ != nullptr;
  }

  void forget_old_deaths() {
    const gint64 since = g_get_monotonic_time() - kDeathWindowUs;
    while (!deaths_.empty() && deaths_.front() < since) deaths_.pop_front();
  }

  void on_worker_ready() override {
    for (const auto& [id, entry] : std::map(entries_)) send_start(entry);
  }

  void send_start(const EntryPtr& entry) {
    entry->phase = Entry::Phase::kStarting;
    entry->late_knobs.clear();
    const PipelineRequest& request = entry->request;
    process_->call("Start",
                   g_variant_new("(ss@a{ss}@a{ss})", request.id.c_str(), request.file.c_str(),
                                 dictionary(request.parameters), dictionary(request.knobs)),
                   [this, entry](const std::string& error, bool lost, GVariant* result) {
                     if (!lost) started(entry, error, result);
                   });
  }

  void started(const EntryPtr& entry, const std::string& error, GVariant* result) {
    const std::string id = entry->request.id;
    if (!error.empty()) {
      restarting_.erase(id);
      entries_.erase(id);
      end(entry, entry->stopping ? "stopped" : "error", error);
      return announce_restart();
    }
    int port = 0;
    GVariant* answer = g_variant_get_child_value(result, 0);
    g_variant_lookup(answer, "port", "i", &port);
    g_variant_unref(answer);
    entry->phase = Entry::Phase::kPlaying;
    entry->played = true;
    if (port) keep_port(entry->request, port);
    for (const auto& [target, value] : entry->properties) send_property(id, target, value);
    for (const auto& [knob, value] : std::exchange(entry->late_knobs, {})) {
      process_->call("SetKnob", g_variant_new("(ssv)", id.c_str(), knob.c_str(), value.get()),
                     nullptr);
    }
    entry->finish_start("", port);
    if (restarting_.erase(id)) restarted_.push_back(id);
    announce_restart();
  }

  void send_property(const std::string& id, const std::pair<std::string, std::string>& target,
                     const VariantPtr& value) {
    process_->call("SetProperty",
                   g_variant_new("(sssv)", id.c_str(), target.first.c_str(), target.second.c_str(),
                                 value.get()),
                   [id](const std::string& error, bool lost, GVariant*) {
                     if (!error.empty() && !lost) g_warning("%s: %s", id.c_str(), error.c_str());
                   });
  }

  /// The pipeline is gone for good: tells who asked for it, or the listener.
  void end(const EntryPtr& entry, const std::string& reason, const std::string& detail) {
    if (entry->done) return entry->finish_start(detail.empty() ? reason : detail, 0);
    listener_.on_pipeline_ended(entry->request.id, reason, detail);
  }

  void announce_restart() {
    if (!restarting_.empty() || restarted_.empty()) return;
    listener_.on_worker_restarted(std::exchange(restarted_, {}));
  }

  void on_worker_message(const std::string& id, const std::string& name,
                         GVariant* fields) override {
    if (has(id)) listener_.on_pipeline_message(id, name, fields);
  }

  void on_worker_ended(const std::string& id, const std::string& reason,
                       const std::string& detail) override {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    const EntryPtr entry = found->second;
    entries_.erase(found);
    end(entry, reason, detail);
  }

  void on_worker_gone(const std::string& how) override {
    g_warning("media worker %s; starting another for its %zu pipelines", how.c_str(), size());
    const auto old = std::move(process_);
    deaths_.push_back(g_get_monotonic_time());
    ++restarts_;
    restarting_.clear();
    restarted_.clear();
    for (const auto& [id, entry] : std::map(entries_)) {
      entry->phase = Entry::Phase::kWaiting;
      if (entry->stopping) {
        entries_.erase(id);
        end(entry, "stopped", "");
      } else if (entry->played) {
        restarting_.insert(id);
      }
    }
    if (!process_ && !spawn()) return give_up(how);
    if (entries_.empty()) listener_.on_worker_restarted({});
  }

  void give_up(const std::string& how) {
    if (deaths_.size() >= kMaxDeaths) {
      failure_ =
          "the media worker dies again and again (" + how +
          "): its last messages are above; 'dragoman run' with the call's pipeline file shows "
          "where, and the next call tries again after half a minute";
    }
    for (const auto& [id, entry] : std::exchange(entries_, {})) end(entry, "error", failure_);
  }

  const Workers::Options& options_;
  WorkersListener& listener_;
  std::unique_ptr<WorkerProcess> process_;
  std::map<std::string, EntryPtr> entries_;
  std::set<std::string> restarting_;    ///< played before the worker died, do not yet play again
  std::vector<std::string> restarted_;  ///< do so
  std::deque<gint64> deaths_;           ///< monotonic µs
  uint64_t restarts_ = 0;
  std::string failure_;
};

}  // namespace

struct Workers::Impl {
  Options options;
  WorkersListener& listener;
  std::vector<std::unique_ptr<Slot>> slots;

  Slot* slot_of(const std::string& id) {
    for (const auto& slot : slots) {
      if (slot->has(id)) return slot.get();
    }
    return nullptr;
  }

  /// The one that runs the group, or the one with the least to do.
  Slot& slot_for(const std::string& group) {
    for (const auto& slot : slots) {
      if (slot->has_group(group)) return *slot;
    }
    return **std::min_element(slots.begin(), slots.end(),
                              [](const auto& a, const auto& b) { return a->size() < b->size(); });
  }
};

Workers::Workers(Options options, WorkersListener& listener)
    : impl_(new Impl{std::move(options), listener, {}}) {
  for (int i = 0; i < std::max(1, impl_->options.count); ++i) {
    impl_->slots.push_back(std::make_unique<Slot>(impl_->options, listener));
  }
}

Workers::~Workers() {
  const gint64 deadline = g_get_monotonic_time() + kShutDownUs;
  for (const auto& slot : impl_->slots) {
    if (slot->process()) slot->process()->terminate();
  }
  for (const auto& slot : impl_->slots) {
    if (slot->process()) slot->process()->wait(deadline);
  }
}

void Workers::start(const PipelineRequest& request, const std::string& group, StartDone done) {
  if (impl_->slot_of(request.id)) {
    return done("'" + request.id + "' is running already", 0);
  }
  impl_->slot_for(group).start(request, group, std::move(done));
}

void Workers::stop(const std::string& id) {
  if (Slot* slot = impl_->slot_of(id)) slot->stop(id);
}

void Workers::set_property(const std::string& id, const std::string& element,
                           const std::string& property, GVariant* value) {
  if (Slot* slot = impl_->slot_of(id)) return slot->set_property(id, element, property, value);
  own(value);
}

void Workers::set_knob(const std::string& id, const std::string& knob, GVariant* value,
                       std::function<void(const std::string& error, GVariant* old_value)> done) {
  if (Slot* slot = impl_->slot_of(id)) return slot->set_knob(id, knob, value, std::move(done));
  own(value);
  if (done) done("no pipeline '" + id + "' is running", nullptr);
}

void Workers::say(const std::string& group, const std::string& channel, const std::string& language,
                  const std::string& text) {
  impl_->slot_for(group).say(channel, language, text);
}

std::vector<GPid> Workers::pids() const {
  std::vector<GPid> pids;
  for (const auto& slot : impl_->slots) {
    if (slot->process() && slot->process()->pid()) pids.push_back(slot->process()->pid());
  }
  return pids;
}

std::vector<Workers::Status> Workers::status() const {
  std::vector<Status> status;
  for (const auto& slot : impl_->slots) status.push_back(slot->status());
  return status;
}

}  // namespace dragoman
