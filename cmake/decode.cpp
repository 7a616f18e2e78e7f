// The one source with stb_image in it: the library cvt::decode. Compiled with -fwrapv, as cvt/extra/decode.hpp says.
#define CVT_DECODE_IMPLEMENTATION
#include <cvt/extra/decode.hpp>
