// Images to inputs: image_view, preprocessing, output_size() and image_preprocessor. Hosts include this file; the parts are in image/.
#pragma once

#include "image/image_view.hpp"
#include "image/input_size.hpp"
#include "image/preprocessing.hpp"
#include "image/preprocessor.hpp"
