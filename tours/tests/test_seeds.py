from config.tenancy import tenant_context
from tours.models import CancellationPolicy, CancellationTier, Category, PriceCategory, TaxRate
from tours.seeds import seed_tenant


def count():
    return [model.objects.count() for model in (Category, PriceCategory, CancellationPolicy, CancellationTier, TaxRate)]


def test_seeding_twice_is_seeding_once(tenant):
    seed_tenant()
    assert count() == [17, 5, 3, 4, 1]
    seed_tenant()
    assert count() == [17, 5, 3, 4, 1]
    assert PriceCategory.objects.get(code="infant").seats == 0
    assert not Category.objects.filter(name_ar="").exists()
    assert not Category.objects.filter(icon="").exists()


def test_what_staff_changed_stays(tenant):
    seed_tenant()
    Category.objects.filter(code="beach").update(name_en="Sea and sand")
    CancellationTier.objects.filter(policy__name_en="Strict").delete()
    seed_tenant()
    assert Category.objects.get(code="beach").name_en == "Sea and sand"
    assert not CancellationTier.objects.filter(policy__name_en="Strict").exists()


def test_each_operator_has_its_own(tenant, other_tenant):
    seed_tenant()
    with tenant_context(other_tenant.pk):
        assert count() == [0, 0, 0, 0, 0]
        seed_tenant()
        assert count() == [17, 5, 3, 4, 1]
