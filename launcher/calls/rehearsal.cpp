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

}  // namespace

Rehearsal::Rehearsal(MediaWorkers& workers, std::string folder)
    : workers_(workers), folder_(std::move(folder)) {}

Rehearsal::~Rehearsal() { remove_folder(); }

void Rehearsal::start(PipelineRequest request, const std::string& extension, int worker) {
  const std::string group = "rehearsal-" + std::to_string(worker);
  request.id = group + "-" + extension;
  request.parameters["port"] = "0";
  if (request.parameters.contains("audio")) request.parameters["audio"] = folder_;
  if (!running_.insert(request.id).second) return;
  workers_.start(request, group,
                 [this, alive = std::weak_ptr(alive_), id = request.id, extension](
                     const std::string& error, int) {
                   if (!alive.expired()) after_start(id, extension, error);
                 });
}

void Rehearsal::after_start(const std::string& id, const std::string& extension,
                            const std::string& error) {
  if (error.empty()) return workers_.stop(id);
  failed_.insert(extension);
  log::error(kTopic, "calls to " + extension + " cannot be served: " + error);
  forget(id);
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
  if (reason == "error") log::error(kTopic, id + ": " + detail);
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
