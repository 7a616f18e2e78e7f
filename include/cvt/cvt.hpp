// The one include: everything of the library but convert.hpp, which few programs need, and the optional parts in cvt/extra/.
#pragma once

#include "config.hpp"
#include "error.hpp"
#include "image/attention_geometry.hpp"
#include "image.hpp"
#include "model.hpp"
#include "session.hpp"
#include "tensor.hpp"
#include "top_k.hpp"
#include "verify.hpp"
#include "version.hpp"
