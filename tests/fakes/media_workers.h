// SPDX-License-Identifier: LGPL-2.1-or-later
// Media workers without media: pipelines are names in a map, and misbehave on request.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "launcher/calls/media_workers.h"

namespace dragoman::fakes {

class FakeWorkers : public MediaWorkers {
 public:
  struct Pipeline {
    PipelineRequest request;
    std::string group;
    std::map<std::string, std::string> properties;  ///< "element.property" → text
  };

  ~FakeWorkers() override {
    for (const auto& [id, source] : sources_) g_source_remove(source);
  }

  WorkersListener* listener = nullptr;
  std::map<std::string, Pipeline> running;
  std::set<std::string> busy_ports;  ///< that another program has
  std::string refuse;                ///< the error of every start, unless empty
  std::string refuse_knobs;          ///< the error of every knob, unless empty
  bool never_answer = false;         ///< starts get no answer
  bool never_end = false;            ///< stopped pipelines do not say so
  size_t most_running = 0;

  void start(const PipelineRequest& request, const std::string& group,
             Workers::StartDone done) override {
    if (never_answer) return;
    later([this, request, group, done = std::move(done)] {
      const std::string& port = request.parameters.at("port");
      if (!refuse.empty()) return done(refuse, 0);
      if (busy_ports.contains(port)) return done("UDP port " + port + " is already in use", 0);
      running[request.id] = {request, group, {}};
      most_running = std::max(most_running, running.size());
      done("", std::stoi(port));
    });
  }

  void stop(const std::string& id) override {
    if (never_end) {
      running.erase(id);
      return;
    }
    later([this, id] {
      if (running.erase(id)) listener->on_pipeline_ended(id, "stopped", "");
    });
  }

  void set_property(const std::string& id, const std::string& element, const std::string& property,
                    GVariant* value) override {
    g_autoptr(GVariant) owned = g_variant_ref_sink(value);
    const auto found = running.find(id);
    if (found != running.end())
      found->second.properties[element + "." + property] = g_variant_get_string(owned, nullptr);
  }

  void set_knob(const std::string& id, const std::string& knob, GVariant* value,
                std::function<void(const std::string& error)> done) override {
    g_autoptr(GVariant) owned = g_variant_ref_sink(value);
    const auto found = running.find(id);
    if (found == running.end()) return done("no pipeline '" + id + "' is running");
    if (!refuse_knobs.empty()) return done(refuse_knobs);
    found->second.request.knobs[knob] = g_variant_get_string(owned, nullptr);
    done("");
  }

  /// A pipeline fails by itself.
  void fail(std::string id, const std::string& detail) {
    running.erase(id);
    listener->on_pipeline_ended(id, "error", detail);
  }

 private:
  struct Job {
    FakeWorkers* self;
    int id;
    std::function<void()> what;
  };

  void later(std::function<void()> what) {
    auto* job = new Job{this, next_++, std::move(what)};
    sources_[job->id] = g_idle_add_full(
        G_PRIORITY_DEFAULT,
        [](gpointer data) -> gboolean {
          auto* ready = static_cast<Job*>(data);
          ready->self->sources_.erase(ready->id);
          ready->what();
          return G_SOURCE_REMOVE;
        },
        job, [](gpointer data) { delete static_cast<Job*>(data); });
  }

  std::map<int, guint> sources_;
  int next_ = 0;
};

}  // namespace dragoman::fakes
