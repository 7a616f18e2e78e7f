// The kernels, written once for any vector type; included once for each instruction set, inside its target region.
//
// The including header includes targets.hpp (CVT_SIMD, CVT_UNROLL), opens the target region and a namespace of its own, and
// defines there:
//
//   name                           name of the set: "avx2"
//   supported()                    whether this CPU can run it
//   vec, ints, mask                a vector of `lanes` floats, a vector of as many int32, the result of a comparison
//   lanes, nr_vectors              floats in a vector; vectors in a row of the register tile, 2 or 4: nr = nr_vectors * lanes
//   mr                             rows of the register tile, 4 or 6
//   unroll                         steps of depth in an iteration of the innermost loop, 4; or 1, which also means no prefetch
//   mc                             number of rows whose inputs stay in the L2 cache, a multiple of mr
//
//   vec   set1(float)              the value in every lane
//   vec   load(p)                  from any address; void store(p, vec) to any address
//   vec   load_part(p, n)          the first n lanes from memory, 0 in the others; n may be above `lanes` (all) or below 1 (none)
//   vec   load_part_or(p, n, vec)  the same, with the lanes of `vec` in place of 0
//   void  store_part(p, n, vec)    stores the first n lanes and writes nothing beyond them
//   vec   broadcast<T, O>(p, b)    p[O], moved by T * b bytes, in every lane
//   vec   add sub mul div(a, b)    IEEE; so is sqrt(a), correctly rounded
//   vec   reciprocal(a)            1 / a within 2 ulp
//   vec   fma(a, b, c)             a * b + c, fused if the instruction set has it
//   void  accumulate(s, a, b)      s += a * b in place, in program order, also under -ffast-math; s stays in its register
//   void  keep_in_register(s)      keeps s in its register from one iteration of a loop to the next, or does nothing
//   vec   max min(a, b)            b if either is NaN, also under -ffast-math
//   vec   abs(a)                   NaN stays NaN
//   mask  less(a, b)               false if either is NaN
//   vec   select(mask, yes, no)    lane by lane
//   ints  round(a)                 to the nearest, ties to even; |a| below 2^22
//   vec   to_float(ints)
//   vec   times_power_of_two(a, n) a * 2^n; a and the result normal numbers
//   float sum_of(a)                sum of all lanes, in an order that the set chooses; float max_of(a), their maximum, without NaN
//
//   input_max                      the largest byte of a quantised input: 255 or 127
//   input_shift                    what store_bytes subtracts from every byte: 0, or 128 if accumulate4 multiplies signed bytes
//   ints  broadcast4(bytes)        an int of four unsigned bytes in every lane
//   ints  load4(p)                 four signed bytes per lane, from any address
//   void  accumulate4(s, a, b)     s += a[0] b[0] + ... + a[3] b[3] in every lane of int32, exact; bytes of a are from 0 to
//                                  input_max, bytes of b from -127 to 127; s stays in its register
//   void  store_bytes(p, ints)     lanes from 0 to 255 as consecutive bytes
//
// Apart from these, the kernels use only plain structures from outside the namespace: a std or Eigen template called from a target
// region would be compiled for the baseline.

// Each line fails to compile if an operation is missing or has another signature.
static_assert(sizeof(vec) == static_cast<std::size_t>(lanes) * sizeof(float) && sizeof(ints) == sizeof(vec));
static_assert(__is_same(decltype(set1(0.F)), vec) && __is_same(decltype(load(static_cast<const float*>(nullptr))), vec));
static_assert(__is_same(decltype(store(static_cast<float*>(nullptr), vec{})), void));
static_assert(__is_same(decltype(load_part(static_cast<const float*>(nullptr), lanes)), vec));
static_assert(__is_same(decltype(load_part_or(static_cast<const float*>(nullptr), lanes, vec{})), vec));
static_assert(__is_same(decltype(store_part(static_cast<float*>(nullptr), lanes, vec{})), void));
static_assert(__is_same(decltype(broadcast<2, 3>(static_cast<const float*>(nullptr), lanes)), vec));
static_assert(__is_same(decltype(add(vec{}, vec{})), vec) && __is_same(decltype(sub(vec{}, vec{})), vec));
static_assert(__is_same(decltype(mul(vec{}, vec{})), vec) && __is_same(decltype(div(vec{}, vec{})), vec));
static_assert(__is_same(decltype(reciprocal(vec{})), vec));
static_assert(__is_same(decltype(max(vec{}, vec{})), vec) && __is_same(decltype(min(vec{}, vec{})), vec));
static_assert(__is_same(decltype(sqrt(vec{})), vec) && __is_same(decltype(abs(vec{})), vec));
static_assert(__is_same(decltype(fma(vec{}, vec{}, vec{})), vec) && __is_same(decltype(less(vec{}, vec{})), mask));
static_assert(__is_same(decltype(select(mask{}, vec{}, vec{})), vec));
static_assert(__is_same(decltype(round(vec{})), ints) && __is_same(decltype(to_float(ints{})), vec));
static_assert(__is_same(decltype(times_power_of_two(vec{}, ints{})), vec));
static_assert(__is_same(decltype(sum_of(vec{})), float) && __is_same(decltype(max_of(vec{})), float));
static_assert(__is_same(decltype(broadcast4(0)), ints));
static_assert(__is_same(decltype(load4(static_cast<const std::byte*>(nullptr))), ints));
static_assert(__is_same(decltype(store_bytes(static_cast<unsigned char*>(nullptr), ints{})), void));
static_assert(__is_same(decltype(accumulate(*static_cast<vec*>(nullptr), vec{}, vec{})), void));
static_assert(__is_same(decltype(accumulate4(*static_cast<ints*>(nullptr), ints{}, ints{})), void));
static_assert(__is_same(decltype(keep_in_register(*static_cast<vec*>(nullptr))), void));
static_assert((input_max == 255 || input_max == 127) && (input_shift == 0 || input_shift == 128));
static_assert(mc % mr == 0 && mc > 0 && (nr_vectors == 2 || nr_vectors == 4));

#include "math.inl"

#include "gemm_f32.inl"

#include "softmax.inl"

#include "layer_norm.inl"

#include "depthwise.inl"

#include "gemm_s8.inl"

inline constexpr kernel_set set{.name = name,
                                .supported = supported,
                                .f32 = gemm_f32,
                                .s8 = s8::gemm,
                                .softmax = softmax,
                                .layer_norm = layer_norm,
                                .depthwise = depthwise};
