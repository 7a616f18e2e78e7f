// Elementary functions of a vector: exp and the two GELUs. Included by kernels.inl. Tests check the errors over the whole range.

/// e^x for x <= 88: within 1.5 ulp if x >= -87, e^-87 below; NaN stays NaN.
CVT_SIMD vec exp(vec x) {
    x = max(set1(-87.F), x);  // in this order a NaN passes through
    const ints n = round(mul(x, set1(1.44269504F)));
    const vec nf = to_float(n);
    vec r = fma(nf, set1(-0.693359375F), x);  // ln 2 in two parts; the first has few bits, so the product is exact
    r = fma(nf, set1(2.12194440e-4F), r);
    vec p = set1(0.00138145394F);
    p = fma(p, r, set1(0.00836874545F));
    p = fma(p, r, set1(0.041668389F));
    p = fma(p, r, set1(0.166665211F));
    p = fma(p, r, set1(0.49999994F));
    p = fma(p, mul(r, r), add(r, set1(1.F)));
    return times_power_of_two(p, n);
}

/// 1 + e^(-1.702 x), by which quick_gelu divides x. e^(-1.702 x) = 2^t; below -51.5 the quotient is less than 1e-36, so x is clamped
/// there, where 2^t is still finite.
CVT_SIMD vec quick_gelu_divisor(vec& x) {
    x = max(set1(-51.5F), x);
    const vec t = max(set1(-126.F), mul(x, set1(-2.45546696F)));
    const ints n = round(t);
    const vec f = sub(t, to_float(n));  // exact
    vec p = set1(0.00132647273F);
    p = fma(p, f, set1(0.00967151299F));
    p = fma(p, f, set1(0.0555073358F));
    p = fma(p, f, set1(0.240222424F));
    p = fma(p, f, set1(0.693147004F));
    p = fma(p, f, set1(1.F));
    return add(set1(1.F), times_power_of_two(p, n));
}

/// x * sigmoid(1.702 x), within 2.5 ulp if x > 0 and 3 + 2.5 |x| ulp otherwise, because the rounding error of t grows with t.
CVT_SIMD vec quick_gelu(vec x) {
    const vec divisor = quick_gelu_divisor(x);
    return div(x, divisor);
}

/// x * Phi(x), within 5.5 ulp with a fused multiply-add. With u = |x|, the tail Phi(-u) is e^(-u^2 / 2) times a polynomial in t = 1 / (1 +
/// 0.45 u / sqrt(2)). The polynomial is a minimax fit of erfcx, so its relative error stays small even where the tail is tiny. u^2 is
/// kept in two floats, because its rounding error would be many ulp of the exponential. Beyond 13 the tail is less than 1e-38, so x is
/// clamped at -13.
CVT_SIMD vec erf_gelu(vec x) {
    x = max(set1(-13.F), x);
    const vec u = min(set1(13.F), abs(x));
    const vec t = div(set1(1.F), fma(u, set1(0.318198052F), set1(1.F)));
    vec p = set1(-0.0163776465F);
    p = fma(p, t, set1(0.0722831935F));
    p = fma(p, t, set1(-0.0972935334F));
    p = fma(p, t, set1(0.00262967497F));
    p = fma(p, t, set1(0.0436775312F));
    p = fma(p, t, set1(0.0319359601F));
    p = fma(p, t, set1(0.0967509449F));
    p = fma(p, t, set1(0.112318374F));
    p = fma(p, t, set1(0.127142176F));
    p = fma(p, t, set1(0.126933321F));
    const vec square = mul(u, u), rest = fma(u, u, mul(square, set1(-1.F)));
    vec e = exp(mul(square, set1(-0.5F)));
    e = fma(mul(e, rest), set1(-0.5F), e);
    const vec tail = mul(mul(p, t), e);
    return mul(x, select(less(x, set1(0.F)), tail, sub(set1(1.F), tail)));
}
