// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/calls/rehearsal.h"

#include <filesystem>
#include <utility>

#include "launcher/calls/fields.h"
#include "launcher/util/log.h"
#include "plugins/common/messages.h"

namespace dragoman {
namespace {

constexpr char kTopic[] = "rehearsal";

std::string group_of(const Rehearsal::Part& part) {
  return "rehearsal-" + std::to_string(part.worker);
}

}  // namespace

Rehearsal::Rehearsal(MediaWorkers& workers, std::string folder)
    : workers_(workers), folder_(std::move(folder)) {}

Rehearsal::~Rehearsal() { remove_folder(); }

void Rehearsal::start(std::vector<Part> parts) {
  std::erase_if(parts, [this](Part& part) {
    part.request.id = group_of(part) + "-" + part.extension;
    return !running_.emplace(part.request.id, part.extension).second;
  });
  for (Part& part : parts) {
    PipelineRequest& request = part.request;
    request.parameters["port"] = "0";
    if (request.parameters.contains("audio")) request.parameters["audio"] = folder_;
    workers_.start(
        request, group_of(part),
        [this, alive = std::weak_ptr(alive_), id = request.id](const std::string& error, int) {
          if (!alive.expired()) after_start(id, error);
        });
  }
}

void Rehearsal::after_start(const std::string& id, const std::string& error) {
  if (error.empty()) return workers_.stop(id);
  fail(id, error);
  forget(id);
}

void Rehearsal::fail(const std::string& id, const std::string& error) {
  const auto part = running_.find(id);
  if (part == running_.end()) return;
  failed_.insert(part->second);
  log::error(kTopic, "calls to " + part->second + " cannot be served: " + error);
}

bool Rehearsal::on_message(const std::string& id, const std::string& name, GVariant* variant) {
  if (!running_.contains(id)) return false;
  const Fields fields(variant);
  if (name == messages::kProviderError)
    log::warning(kTopic, fields.text("provider") + " (" + fields.text("kind") +
                             "): " + fields.text("error"));
  else if (name == messages::kWarning)
    log::warning(kTopic, fields.text("element") + ": " + fields.text("text"));
  return true;
}

bool Rehearsal::on_ended(const std::string& id, const std::string& reason,
                         const std::string& detail) {
  if (!running_.contains(id)) return false;
  if (reason == "error") fail(id, detail);
  forget(id);
  return true;
}

void Rehearsal::forget(const std::string& id) {
  running_.erase(id);
  if (!running_.empty()) return;
  remove_folder();
  if (on_over_) on_over_(std::exchange(failed_, {}));
}

void Rehearsal::remove_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace dragoman
