// The umbrella header: the whole library except cvt/extra/ and convert.hpp, open_checkpoint.hpp and config_files.hpp.
#pragma once

#include "audio.hpp"
#include "config.hpp"
#include "cost.hpp"
#include "error.hpp"
#include "image.hpp"
#include "image/attention_geometry.hpp"
#include "load.hpp"
#include "model.hpp"
#include "session.hpp"
#include "shape.hpp"
#include "tensor.hpp"
#include "top_k.hpp"
#include "verify.hpp"
#include "version.hpp"
