// SPDX-License-Identifier: LGPL-2.1-or-later
// Calls with an ARI server over real sockets, workers without media and a journal in memory.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "launcher/calls/calls.h"
#include "launcher/calls/names.h"
#include "launcher/simulate/ari_server.h"
#include "tests/fakes/main_loop.h"
#include "tests/fakes/media_workers.h"
#include "tests/fakes/memory_journal.h"

namespace dragoman {

class CallsTest : public testing::Test {
 protected:
  void SetUp() override { start_launcher(); }

  /// What [configuration] says beside the defaults.
  void configure(const std::string& text) {
    stop_launcher();
    config = Config::parse(text, "test.conf", {});
    start_launcher();
  }

  void start_launcher() {
    config.ari.timeout_ms = 400;
    std::map<std::string, RoutePipeline> pipelines;
    for (const auto& [extension, route] : config.routes)
      pipelines[extension] = {"/pipelines/" + route.pipeline, declared};
    client = std::make_unique<ari::Client>(
        ari::Client::Options{.access = {server.url(), "dragoman", "dragoman", 400},
                             .application = "dragoman",
                             .claim_ms = 100,
                             .backoff_first_ms = 40,
                             .backoff_last_ms = 80});
    calls = std::make_unique<Calls>(
        Calls::Tools{.client = *client,
                     .workers = workers,
                     .recorder = recorder,
                     .reporter = reporter,
                     .config = config,
                     .pipelines = pipelines,
                     .asterisk_address = "127.0.0.1",
                     .mend = [this](const std::string& trace) { mended.push_back(trace); },
                     .refused = [this](const std::string& why) { refused = why; },
                     .knobs = knobs});
    workers.listener = calls.get();
    const size_t before = server.requests().size();
    client->start(*calls);
    // The reconciliation's last request.
    ASSERT_TRUE(fakes::wait_until([&] {
      const auto& requests = server.requests();
      return std::find(requests.begin() + before, requests.end(), "GET /bridges") != requests.end();
    }));
    fakes::run_for(10);
  }

  /// As a launcher that dies: nothing is cleaned up in Asterisk.
  void stop_launcher() {
    calls.reset();
    client.reset();
    workers.running.clear();
    fakes::wait_until([&] { return server.clients() == 0; });
  }

  bool up(size_t sessions) {
    return fakes::wait_until([&] {
      size_t complete = 0;
      for (const SimulatedBridge& bridge : server.bridges())
        complete += bridge.channels.size() == 2;
      return complete == sessions && lines_with("up  ") >= sessions;
    });
  }
  /// Nothing is left: no channel, bridge, pipeline, port or session.
  bool all_gone() {
    return fakes::wait_until([&] {
      return server.channels().empty() && server.bridges().empty() && workers.running.empty() &&
             calls->ports_taken() == 0 && calls->count() == 0;
    });
  }
  size_t lines_with(const std::string& text) const {
    size_t count = 0;
    for (const std::string& line : lines) count += line.find(text) != std::string::npos;
    return count;
  }
  std::string all_lines() const {
    std::string all;
    for (const std::string& line : lines) all += line + "\n";
    return all;
  }
  std::string trace_of(const std::string& extension) const {
    for (const auto& [id, pipeline] : workers.running)
      if (pipeline.request.parameters.at("channel").ends_with("-" + extension))
        return pipeline.request.parameters.at("trace");
    return {};
  }

  AriServer server;
  Config config = Config::parse("", "test.conf", {});
  std::set<std::string> declared = {
      "port",    "peer",   "trace",          "channel",        "listens",
      "speaks",  "hears",  "station",        "audio",          "translated-station",
      "gain-db", "format", "partner-speaks", "partner-station"};
  fakes::MemoryJournal journal;
  Recorder recorder{journal, true};
  std::vector<std::string> lines, mended;
  Reporter reporter{[this](const std::string& line) { lines.push_back(line); }};
  std::string refused;
  fakes::FakeWorkers workers;
  CallKnobs* knobs = nullptr;  ///< of the next launcher
  std::unique_ptr<ari::Client> client;
  std::unique_ptr<Calls> calls;
};

}  // namespace dragoman
