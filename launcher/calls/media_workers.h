// SPDX-License-Identifier: LGPL-2.1-or-later
// What calls need of the media workers (launcher/worker/workers.h), so that tests can be one.
#pragma once

#include <gio/gio.h>

#include <functional>
#include <string>

#include "launcher/worker/workers.h"

namespace dragoman {

class MediaWorkers {
 public:
  virtual ~MediaWorkers() = default;
  virtual void start(const PipelineRequest& request, const std::string& group,
                     Workers::StartDone done) = 0;
  virtual void stop(const std::string& id) = 0;
  virtual void set_property(const std::string& id, const std::string& element,
                            const std::string& property, GVariant* value) = 0;
  virtual void set_knob(const std::string& id, const std::string& knob, GVariant* value,
                        std::function<void(const std::string& error)> done) = 0;
};

}  // namespace dragoman
