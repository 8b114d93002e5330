;; The loops of src/kernels/normal-equations.ts in float64, four rows at a time. Places are in bytes.
;; Every entry gets one term per sample, in the order of the samples, as in TypeScript: both agree in every bit.
(module
  (memory (export "memory") 1)

  ;; Adds the products of slots $top … $bottom − 1 by those from the same one on, of $count samples: values and columns
  ;; [count, slots], weights [count]. The row of column c is at rowPlaces[c]. Tiles of four rows end at $bottom.
  (func (export "add")
    (param $values i32) (param $columns i32) (param $weights i32) (param $count i32) (param $slots i32)
    (param $top i32) (param $bottom i32) (param $rowPlaces i32)
    (local $end i32) (local $x i32) (local $xEnd i32) (local $column i32) (local $a i32) (local $tileEnd i32)
    (local $offset i32) (local $at i32) (local $row0 i32) (local $row1 i32) (local $row2 i32) (local $row3 i32)
    (local $v0 f64) (local $v1 f64) (local $v2 f64) (local $v3 f64) (local $value f64) (local $weight f64)
    (local.set $end (i32.add (local.get $weights) (i32.shl (local.get $count) (i32.const 3))))
    (loop $samples
      (local.set $weight (f64.load (local.get $weights)))
      (local.set $xEnd (i32.add (local.get $values) (i32.shl (local.get $slots) (i32.const 3))))
      (local.set $a (local.get $top))
      (loop $tiles
        ;; One to four rows, so that whole tiles are left, row by row up to the tile's end.
        (local.set $tileEnd
          (i32.add (local.get $a)
            (i32.add (i32.const 1)
              (i32.and (i32.sub (i32.sub (local.get $bottom) (local.get $a)) (i32.const 1)) (i32.const 3)))))
        (local.set $offset (local.get $tileEnd))
        (if (i32.lt_u (i32.sub (local.get $tileEnd) (local.get $a)) (i32.const 4))
          (then (local.set $offset (local.get $slots))))
        (call $addRows
          (local.get $values) (local.get $columns) (local.get $weight) (local.get $a) (local.get $tileEnd)
          (local.get $offset) (local.get $rowPlaces))
        (if (i32.lt_u (local.get $offset) (local.get $slots))
          (then
            (local.set $x (i32.add (local.get $values) (i32.shl (local.get $a) (i32.const 3))))
            (local.set $column (i32.add (local.get $columns) (i32.shl (local.get $a) (i32.const 2))))
            (local.set $v0 (f64.mul (local.get $weight) (f64.load offset=0 (local.get $x))))
            (local.set $v1 (f64.mul (local.get $weight) (f64.load offset=8 (local.get $x))))
            (local.set $v2 (f64.mul (local.get $weight) (f64.load offset=16 (local.get $x))))
            (local.set $v3 (f64.mul (local.get $weight) (f64.load offset=24 (local.get $x))))
            (local.set $row0 (call $rowOf (local.get $rowPlaces) (i32.load offset=0 (local.get $column))))
            (local.set $row1 (call $rowOf (local.get $rowPlaces) (i32.load offset=4 (local.get $column))))
            (local.set $row2 (call $rowOf (local.get $rowPlaces) (i32.load offset=8 (local.get $column))))
            (local.set $row3 (call $rowOf (local.get $rowPlaces) (i32.load offset=12 (local.get $column))))
            (local.set $x (i32.add (local.get $x) (i32.const 32)))
            (local.set $column (i32.add (local.get $column) (i32.const 16)))
            (loop $slot
              (local.set $offset (i32.shl (i32.load (local.get $column)) (i32.const 3)))
              (local.set $value (f64.load (local.get $x)))
              (local.set $at (i32.add (local.get $row0) (local.get $offset)))
              (f64.store (local.get $at)
                (f64.add (f64.load (local.get $at)) (f64.mul (local.get $v0) (local.get $value))))
              (local.set $at (i32.add (local.get $row1) (local.get $offset)))
              (f64.store (local.get $at)
                (f64.add (f64.load (local.get $at)) (f64.mul (local.get $v1) (local.get $value))))
              (local.set $at (i32.add (local.get $row2) (local.get $offset)))
              (f64.store (local.get $at)
                (f64.add (f64.load (local.get $at)) (f64.mul (local.get $v2) (local.get $value))))
              (local.set $at (i32.add (local.get $row3) (local.get $offset)))
              (f64.store (local.get $at)
                (f64.add (f64.load (local.get $at)) (f64.mul (local.get $v3) (local.get $value))))
              (local.set $column (i32.add (local.get $column) (i32.const 4)))
              (local.set $x (i32.add (local.get $x) (i32.const 8)))
              (br_if $slot (i32.lt_u (local.get $x) (local.get $xEnd))))))
        (local.set $a (local.get $tileEnd))
        (br_if $tiles (i32.lt_u (local.get $a) (local.get $bottom))))
      (local.set $values (local.get $xEnd))
      (local.set $columns (i32.add (local.get $columns) (i32.shl (local.get $slots) (i32.const 2))))
      (local.set $weights (i32.add (local.get $weights) (i32.const 8)))
      (br_if $samples (i32.lt_u (local.get $weights) (local.get $end)))))

  (func $rowOf (param $rowPlaces i32) (param $column i32) (result i32)
    (i32.load (i32.add (local.get $rowPlaces) (i32.shl (local.get $column) (i32.const 2)))))

  ;; Slots $top … $bottom − 1 by those from the same one up to $edge − 1.
  (func $addRows
    (param $values i32) (param $columns i32) (param $weight f64) (param $top i32) (param $bottom i32) (param $edge i32)
    (param $rowPlaces i32)
    (local $end i32) (local $xEnd i32) (local $value f64) (local $row i32) (local $at i32) (local $x i32)
    (local $column i32)
    (local.set $xEnd (i32.add (local.get $values) (i32.shl (local.get $edge) (i32.const 3))))
    (local.set $end (i32.add (local.get $values) (i32.shl (local.get $bottom) (i32.const 3))))
    (local.set $values (i32.add (local.get $values) (i32.shl (local.get $top) (i32.const 3))))
    (local.set $columns (i32.add (local.get $columns) (i32.shl (local.get $top) (i32.const 2))))
    (loop $rows
      (local.set $value (f64.mul (local.get $weight) (f64.load (local.get $values))))
      (local.set $row (call $rowOf (local.get $rowPlaces) (i32.load (local.get $columns))))
      (local.set $x (local.get $values))
      (local.set $column (local.get $columns))
      (loop $slots
        (local.set $at (i32.add (local.get $row) (i32.shl (i32.load (local.get $column)) (i32.const 3))))
        (f64.store (local.get $at)
          (f64.add (f64.load (local.get $at)) (f64.mul (local.get $value) (f64.load (local.get $x)))))
        (local.set $column (i32.add (local.get $column) (i32.const 4)))
        (local.set $x (i32.add (local.get $x) (i32.const 8)))
        (br_if $slots (i32.lt_u (local.get $x) (local.get $xEnd))))
      (local.set $columns (i32.add (local.get $columns) (i32.const 4)))
      (local.set $values (i32.add (local.get $values) (i32.const 8)))
      (br_if $rows (i32.lt_u (local.get $values) (local.get $end)))))
)
