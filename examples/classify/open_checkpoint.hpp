// open_checkpoint: a checkpoint that is open but not loaded, for --convert.
#pragma once

#include <cvt/open_checkpoint.hpp>

#include "setup.hpp"

namespace app {

struct open_checkpoint : decisions {
    cvt::checkpoint_source source;
};

/// Opens --model and applies the options to it. Throws failure as make_setup does.
open_checkpoint open_for_conversion(const options& o);

}  // namespace app
