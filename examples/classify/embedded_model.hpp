// The default model, linked into the program.
#pragma once

#include <cvt/model.hpp>

namespace app {

/// The folder weights/ of this repository as it was at build time; needs no file.
cvt::result<cvt::model> embedded_model(const cvt::load_options& options);

}  // namespace app
