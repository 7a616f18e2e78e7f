// The default model, linked into the program.
#pragma once

#include <cvt/model.hpp>
#include <cvt/open_checkpoint.hpp>

namespace app {

/// Loads the model in weights/ as it was at build time. Opens no file.
cvt::result<cvt::model> embedded_model(const cvt::load_options& options);
/// Opens it without loading it, for --learn.
cvt::result<cvt::checkpoint_source> embedded_checkpoint(const cvt::load_options& options);

}  // namespace app
