// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes a GstPipeline of a pipeline file, and says what is wrong with it beforehand.
#pragma once

#include <gst/gst.h>

#include "launcher/pipeline/pipeline_file.h"
#include "plugins/common/handles.h"

namespace dragoman {

/// The pipeline of `file` with `values`, in state NULL; its knobs are there. Null with `problems`:
/// a value that does not fit, a missing element (with the package that has it), an unknown
/// property, a property's value out of range, what gst_parse_launch() refuses, a knob without its
/// element or property. Needs gst_init(); any thread.
GstObjectPtr<GstElement> build_pipeline(const PipelineFile& file, const ParameterValues& values,
                                        Problems& problems);

/// find_pipeline() and PipelineFile::read() in one: for a path or a name that a user gave.
std::optional<PipelineFile> load_pipeline(const std::string& path_or_name, Problems& problems);

}  // namespace dragoman
