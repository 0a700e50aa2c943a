// SPDX-License-Identifier: LGPL-2.1-or-later
// Names of the control interface that worker.xml describes.
#pragma once

#include <gio/gio.h>

namespace dragoman {

inline constexpr char kWorkerPath[] = "/org/dragoman/Worker";
inline constexpr char kWorkerInterface[] = "org.dragoman.Worker1";
inline constexpr char kPipelineError[] = "org.dragoman.Error.Pipeline";

/// The interface of worker.xml; lives as long as the process.
GDBusInterfaceInfo* worker_interface();

}  // namespace dragoman
