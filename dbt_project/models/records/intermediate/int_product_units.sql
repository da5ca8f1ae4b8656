-- Which units of measure the sales lines of a product are in, and what each is in the product's own. What is to be done
-- about a unit that nothing converts is said in kunderegnskab/quality/gate.py.
{{ product_units() }}
