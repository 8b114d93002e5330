;; Loops of src/kernels/spline-layer-simd.ts: float64, two outputs in a vector, two vectors per step.
;;
;; A row has rowBytes bytes, a multiple of 32, beyond its numbers zeros. A window is 40 bytes: values or slopes of the
;; four functions of a cell, the place of the first of its four rows, and that of the sample's row of output gradients.
;; Every sum has the order that src/kernels/spline-layer-cubic.ts gives it, so that both agree in every bit.
(module
  (memory (export "memory") 1)

  ;; Windows of $count points $stride bytes apart, two at a time, the last one perhaps with what lies behind it; rows begin
  ;; at $rows, or are known already where $rowBytes is 0. Slopes are per width of a cell. Outside the domain values
  ;; continue linearly. NaN gives NaN and cell 0.
  (func (export "windows")
    (param $x i32) (param $stride i32) (param $count i32) (param $start f64) (param $cellsPerUnit f64) (param $intervals i32)
    (param $slopes i32) (param $rows i32) (param $rowBytes i32) (param $window i32)
    (local $end i32) (local $last v128) (local $position v128) (local $inside v128) (local $cell v128)
    (local $s v128) (local $t v128) (local $distance v128) (local $w0 v128) (local $w1 v128) (local $w2 v128) (local $w3 v128)
    (local.set $last (f64x2.splat (f64.convert_i32_u (local.get $intervals))))
    (local.set $end (i32.add (local.get $x) (i32.mul (local.get $count) (local.get $stride))))
    (loop $samples
      (local.set $position
        (f64x2.mul
          (f64x2.sub
            (v128.load64_lane 1 (i32.add (local.get $x) (local.get $stride)) (v128.load64_zero (local.get $x)))
            (f64x2.splat (local.get $start)))
          (f64x2.splat (local.get $cellsPerUnit))))
      (local.set $inside
        (f64x2.pmin (f64x2.pmax (local.get $position) (v128.const f64x2 0 0)) (local.get $last)))
      (local.set $cell (i32x4.trunc_sat_f64x2_s_zero (local.get $inside)))
      (local.set $cell
        (i32x4.add (local.get $cell) (i32x4.ge_s (local.get $cell) (i32x4.splat (local.get $intervals)))))
      (local.set $s (f64x2.sub (local.get $inside) (f64x2.convert_low_i32x4_s (local.get $cell))))
      (local.set $t (f64x2.sub (v128.const f64x2 1 1) (local.get $s)))
      (if (local.get $slopes)
        (then
          (local.set $w0 (f64x2.mul (f64x2.mul (v128.const f64x2 -0.5 -0.5) (local.get $t)) (local.get $t)))
          (local.set $w1
            (f64x2.mul
              (f64x2.sub (f64x2.mul (v128.const f64x2 1.5 1.5) (local.get $s)) (v128.const f64x2 2 2))
              (local.get $s)))
          (local.set $w2
            (f64x2.mul
              (f64x2.sub (v128.const f64x2 2 2) (f64x2.mul (v128.const f64x2 1.5 1.5) (local.get $t)))
              (local.get $t)))
          (local.set $w3 (f64x2.mul (f64x2.mul (v128.const f64x2 0.5 0.5) (local.get $s)) (local.get $s))))
        (else
          (local.set $distance
            (f64x2.mul (v128.const f64x2 0.5 0.5) (f64x2.sub (local.get $position) (local.get $inside))))
          (local.set $w0
            (f64x2.sub
              (f64x2.mul
                (f64x2.mul
                  (f64x2.mul (v128.const f64x2 0x1.5555555555555p-3 0x1.5555555555555p-3) (local.get $t))
                  (local.get $t))
                (local.get $t))
              (f64x2.mul (local.get $distance) (local.get $t))))
          (local.set $w1
            (f64x2.sub
              (f64x2.add
                (v128.const f64x2 0x1.5555555555555p-1 0x1.5555555555555p-1)
                (f64x2.mul
                  (f64x2.mul (local.get $s) (local.get $s))
                  (f64x2.sub (f64x2.mul (v128.const f64x2 0.5 0.5) (local.get $s)) (v128.const f64x2 1 1))))
              (f64x2.mul (local.get $distance) (local.get $s))))
          (local.set $w2
            (f64x2.add
              (f64x2.add
                (v128.const f64x2 0x1.5555555555555p-1 0x1.5555555555555p-1)
                (f64x2.mul
                  (f64x2.mul (local.get $t) (local.get $t))
                  (f64x2.sub (f64x2.mul (v128.const f64x2 0.5 0.5) (local.get $t)) (v128.const f64x2 1 1))))
              (f64x2.mul (local.get $distance) (local.get $t))))
          (local.set $w3
            (f64x2.add
              (f64x2.mul
                (f64x2.mul
                  (f64x2.mul (v128.const f64x2 0x1.5555555555555p-3 0x1.5555555555555p-3) (local.get $s))
                  (local.get $s))
                (local.get $s))
              (f64x2.mul (local.get $distance) (local.get $s))))))
      ;; From a vector per function to a window per point.
      (v128.store offset=0 (local.get $window)
        (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $w0) (local.get $w1)))
      (v128.store offset=16 (local.get $window)
        (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $w2) (local.get $w3)))
      (v128.store offset=40 (local.get $window)
        (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $w0) (local.get $w1)))
      (v128.store offset=56 (local.get $window)
        (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $w2) (local.get $w3)))
      (local.set $cell
        (i32x4.add
          (i32x4.splat (local.get $rows))
          (i32x4.mul (local.get $cell) (i32x4.splat (local.get $rowBytes)))))
      (if (local.get $rowBytes)
        (then
          (i32.store offset=32 (local.get $window) (i32x4.extract_lane 0 (local.get $cell)))
          (i32.store offset=72 (local.get $window) (i32x4.extract_lane 1 (local.get $cell)))))
      (local.set $window (i32.add (local.get $window) (i32.const 80)))
      (local.set $x (i32.add (local.get $x) (i32.shl (local.get $stride) (i32.const 1))))
      (br_if $samples (i32.lt_u (local.get $x) (local.get $end)))))

  ;; Copies $count rows of $columns numbers; what is left of a row's place becomes zero.
  (func (export "copyRows")
    (param $from i32) (param $to i32) (param $count i32) (param $columns i32) (param $fromBytes i32) (param $toBytes i32)
    (local $end i32) (local $at i32) (local $next i32) (local $rowEnd i32)
    (local.set $end (i32.add (local.get $to) (i32.mul (local.get $count) (local.get $toBytes))))
    (loop $rows
      (local.set $at (local.get $from))
      (local.set $from (i32.add (local.get $from) (local.get $fromBytes)))
      (local.set $next (i32.add (local.get $to) (local.get $toBytes)))
      (local.set $rowEnd (i32.add (local.get $to) (i32.shl (local.get $columns) (i32.const 3))))
      (loop $row
        (f64.store (local.get $to) (f64.load (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (local.set $to (i32.add (local.get $to) (i32.const 8)))
        (br_if $row (i32.lt_u (local.get $to) (local.get $rowEnd))))
      (block $full
        (loop $rest
          (br_if $full (i32.ge_u (local.get $to) (local.get $next)))
          (f64.store (local.get $to) (f64.const 0))
          (local.set $to (i32.add (local.get $to) (i32.const 8)))
          (br $rest)))
      (br_if $rows (i32.lt_u (local.get $to) (local.get $end)))))

  ;; Adds to y [count, outputs] the products of windows with their rows of weights.
  (func (export "forward") (param $window i32) (param $y i32) (param $count i32) (param $rowBytes i32)
    (local $end i32) (local $rowEnd i32)
    (local $row0 i32) (local $row1 i32) (local $row2 i32) (local $row3 i32)
    (local $w0 v128) (local $w1 v128) (local $w2 v128) (local $w3 v128)
    (local.set $end (i32.add (local.get $y) (i32.mul (local.get $count) (local.get $rowBytes))))
    (loop $samples
      (local.set $w0 (v128.load64_splat offset=0 (local.get $window)))
      (local.set $w1 (v128.load64_splat offset=8 (local.get $window)))
      (local.set $w2 (v128.load64_splat offset=16 (local.get $window)))
      (local.set $w3 (v128.load64_splat offset=24 (local.get $window)))
      (local.set $row0 (i32.load offset=32 (local.get $window)))
      (local.set $row1 (i32.add (local.get $row0) (local.get $rowBytes)))
      (local.set $row2 (i32.add (local.get $row1) (local.get $rowBytes)))
      (local.set $row3 (i32.add (local.get $row2) (local.get $rowBytes)))
      (local.set $window (i32.add (local.get $window) (i32.const 40)))
      (local.set $rowEnd (i32.add (local.get $y) (local.get $rowBytes)))
      (loop $outputs
        (v128.store offset=0 (local.get $y)
          (f64x2.add (v128.load offset=0 (local.get $y))
            (f64x2.add (f64x2.add (f64x2.add
              (f64x2.mul (local.get $w0) (v128.load offset=0 (local.get $row0)))
              (f64x2.mul (local.get $w1) (v128.load offset=0 (local.get $row1))))
              (f64x2.mul (local.get $w2) (v128.load offset=0 (local.get $row2))))
              (f64x2.mul (local.get $w3) (v128.load offset=0 (local.get $row3))))))
        (v128.store offset=16 (local.get $y)
          (f64x2.add (v128.load offset=16 (local.get $y))
            (f64x2.add (f64x2.add (f64x2.add
              (f64x2.mul (local.get $w0) (v128.load offset=16 (local.get $row0)))
              (f64x2.mul (local.get $w1) (v128.load offset=16 (local.get $row1))))
              (f64x2.mul (local.get $w2) (v128.load offset=16 (local.get $row2))))
              (f64x2.mul (local.get $w3) (v128.load offset=16 (local.get $row3))))))
        (local.set $row0 (i32.add (local.get $row0) (i32.const 32)))
        (local.set $row1 (i32.add (local.get $row1) (i32.const 32)))
        (local.set $row2 (i32.add (local.get $row2) (i32.const 32)))
        (local.set $row3 (i32.add (local.get $row3) (i32.const 32)))
        (local.set $y (i32.add (local.get $y) (i32.const 32)))
        (br_if $outputs (i32.lt_u (local.get $y) (local.get $rowEnd))))
      (br_if $samples (i32.lt_u (local.get $y) (local.get $end)))))

  ;; For each sample the product of its row of output gradients with those of its window with their rows of weights, times
  ;; $scale; they are written $stride bytes apart.
  (func (export "inputGradient")
    (param $window i32) (param $outputGradient i32) (param $inputGradient i32) (param $stride i32) (param $count i32)
    (param $rowBytes i32) (param $scale f64)
    (local $end i32) (local $rowEnd i32)
    (local $row0 i32) (local $row1 i32) (local $row2 i32) (local $row3 i32)
    (local $w0 v128) (local $w1 v128) (local $w2 v128) (local $w3 v128) (local $sum v128)
    (local.set $end (i32.add (local.get $outputGradient) (i32.mul (local.get $count) (local.get $rowBytes))))
    (loop $samples
      (local.set $w0 (v128.load64_splat offset=0 (local.get $window)))
      (local.set $w1 (v128.load64_splat offset=8 (local.get $window)))
      (local.set $w2 (v128.load64_splat offset=16 (local.get $window)))
      (local.set $w3 (v128.load64_splat offset=24 (local.get $window)))
      (local.set $row0 (i32.load offset=32 (local.get $window)))
      (local.set $row1 (i32.add (local.get $row0) (local.get $rowBytes)))
      (local.set $row2 (i32.add (local.get $row1) (local.get $rowBytes)))
      (local.set $row3 (i32.add (local.get $row2) (local.get $rowBytes)))
      (local.set $window (i32.add (local.get $window) (i32.const 40)))
      (local.set $rowEnd (i32.add (local.get $outputGradient) (local.get $rowBytes)))
      (local.set $sum (v128.const f64x2 0 0))
      (loop $outputs
        (local.set $sum
          (f64x2.add (local.get $sum)
            (f64x2.mul (v128.load offset=0 (local.get $outputGradient))
              (f64x2.add (f64x2.add (f64x2.add
                (f64x2.mul (local.get $w0) (v128.load offset=0 (local.get $row0)))
                (f64x2.mul (local.get $w1) (v128.load offset=0 (local.get $row1))))
                (f64x2.mul (local.get $w2) (v128.load offset=0 (local.get $row2))))
                (f64x2.mul (local.get $w3) (v128.load offset=0 (local.get $row3)))))))
        (local.set $sum
          (f64x2.add (local.get $sum)
            (f64x2.mul (v128.load offset=16 (local.get $outputGradient))
              (f64x2.add (f64x2.add (f64x2.add
                (f64x2.mul (local.get $w0) (v128.load offset=16 (local.get $row0)))
                (f64x2.mul (local.get $w1) (v128.load offset=16 (local.get $row1))))
                (f64x2.mul (local.get $w2) (v128.load offset=16 (local.get $row2))))
                (f64x2.mul (local.get $w3) (v128.load offset=16 (local.get $row3)))))))
        (local.set $row0 (i32.add (local.get $row0) (i32.const 32)))
        (local.set $row1 (i32.add (local.get $row1) (i32.const 32)))
        (local.set $row2 (i32.add (local.get $row2) (i32.const 32)))
        (local.set $row3 (i32.add (local.get $row3) (i32.const 32)))
        (local.set $outputGradient (i32.add (local.get $outputGradient) (i32.const 32)))
        (br_if $outputs (i32.lt_u (local.get $outputGradient) (local.get $rowEnd))))
      (f64.store (local.get $inputGradient)
        (f64.mul
          (f64.add (f64x2.extract_lane 0 (local.get $sum)) (f64x2.extract_lane 1 (local.get $sum)))
          (local.get $scale)))
      (local.set $inputGradient (i32.add (local.get $inputGradient) (local.get $stride)))
      (br_if $samples (i32.lt_u (local.get $outputGradient) (local.get $end)))))

  ;; Adds to the rows of windows their products with rows of output gradients. While one window after the other is of the
  ;; same cell, its sums are kept in registers: four rows of four outputs at a time.
  (func (export "coefficientGradient") (param $window i32) (param $count i32) (param $rowBytes i32)
    (local $end i32) (local $cell i32) (local $cellStart i32) (local $cellEnd i32) (local $column i32) (local $at i32)
    (local $row0 i32) (local $row1 i32) (local $row2 i32) (local $row3 i32)
    (local $w v128) (local $g0 v128) (local $g1 v128)
    (local $s00 v128) (local $s01 v128) (local $s10 v128) (local $s11 v128)
    (local $s20 v128) (local $s21 v128) (local $s30 v128) (local $s31 v128)
    (local.set $cellEnd (local.get $window))
    (local.set $end (i32.add (local.get $window) (i32.mul (local.get $count) (i32.const 40))))
    (loop $cells
      (local.set $cellStart (local.get $cellEnd))
      (local.set $cell (i32.load offset=32 (local.get $cellStart)))
      (loop $search
        (local.set $cellEnd (i32.add (local.get $cellEnd) (i32.const 40)))
        (br_if $search
          (i32.and
            (i32.lt_u (local.get $cellEnd) (local.get $end))
            (i32.eq (i32.load offset=32 (local.get $cellEnd)) (local.get $cell)))))
      (local.set $column (i32.const 0))
      (loop $columns
        (local.set $row0 (i32.add (local.get $cell) (local.get $column)))
        (local.set $row1 (i32.add (local.get $row0) (local.get $rowBytes)))
        (local.set $row2 (i32.add (local.get $row1) (local.get $rowBytes)))
        (local.set $row3 (i32.add (local.get $row2) (local.get $rowBytes)))
        (local.set $s00 (v128.load offset=0 (local.get $row0)))
        (local.set $s01 (v128.load offset=16 (local.get $row0)))
        (local.set $s10 (v128.load offset=0 (local.get $row1)))
        (local.set $s11 (v128.load offset=16 (local.get $row1)))
        (local.set $s20 (v128.load offset=0 (local.get $row2)))
        (local.set $s21 (v128.load offset=16 (local.get $row2)))
        (local.set $s30 (v128.load offset=0 (local.get $row3)))
        (local.set $s31 (v128.load offset=16 (local.get $row3)))
        (local.set $window (local.get $cellStart))
        (loop $samples
          (local.set $at (i32.add (i32.load offset=36 (local.get $window)) (local.get $column)))
          (local.set $g0 (v128.load offset=0 (local.get $at)))
          (local.set $g1 (v128.load offset=16 (local.get $at)))
          (local.set $w (v128.load64_splat offset=0 (local.get $window)))
          (local.set $s00 (f64x2.add (local.get $s00) (f64x2.mul (local.get $w) (local.get $g0))))
          (local.set $s01 (f64x2.add (local.get $s01) (f64x2.mul (local.get $w) (local.get $g1))))
          (local.set $w (v128.load64_splat offset=8 (local.get $window)))
          (local.set $s10 (f64x2.add (local.get $s10) (f64x2.mul (local.get $w) (local.get $g0))))
          (local.set $s11 (f64x2.add (local.get $s11) (f64x2.mul (local.get $w) (local.get $g1))))
          (local.set $w (v128.load64_splat offset=16 (local.get $window)))
          (local.set $s20 (f64x2.add (local.get $s20) (f64x2.mul (local.get $w) (local.get $g0))))
          (local.set $s21 (f64x2.add (local.get $s21) (f64x2.mul (local.get $w) (local.get $g1))))
          (local.set $w (v128.load64_splat offset=24 (local.get $window)))
          (local.set $s30 (f64x2.add (local.get $s30) (f64x2.mul (local.get $w) (local.get $g0))))
          (local.set $s31 (f64x2.add (local.get $s31) (f64x2.mul (local.get $w) (local.get $g1))))
          (local.set $window (i32.add (local.get $window) (i32.const 40)))
          (br_if $samples (i32.lt_u (local.get $window) (local.get $cellEnd))))
        (v128.store offset=0 (local.get $row0) (local.get $s00))
        (v128.store offset=16 (local.get $row0) (local.get $s01))
        (v128.store offset=0 (local.get $row1) (local.get $s10))
        (v128.store offset=16 (local.get $row1) (local.get $s11))
        (v128.store offset=0 (local.get $row2) (local.get $s20))
        (v128.store offset=16 (local.get $row2) (local.get $s21))
        (v128.store offset=0 (local.get $row3) (local.get $s30))
        (v128.store offset=16 (local.get $row3) (local.get $s31))
        (local.set $column (i32.add (local.get $column) (i32.const 32)))
        (br_if $columns (i32.lt_u (local.get $column) (local.get $rowBytes))))
      (br_if $cells (i32.lt_u (local.get $cellEnd) (local.get $end)))))
)
